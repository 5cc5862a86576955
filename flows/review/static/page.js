// The page of one language: its lines, and what is done with them.

import { Approvals } from "./approvals.js";
import { ask } from "./ask.js";
import { byId, clock, h, t } from "./dom.js";
import { Editor } from "./editor.js";
import { Inspector } from "./inspector.js";
import { listen } from "./keys.js";
import { Lanes } from "./lanes.js";
import { Players } from "./players.js";
import { Rows } from "./rows.js";
import { Refused, get, listenToOthers, me, post, upload } from "./server.js";
import { Speakers } from "./speakers.js";

const MAKING_MS = 1000;
const NUDGE_MS = 500;
const NEW_LINE_MS = 1500;

const state = { lines: new Map(), order: [], revision: "", chosen: "", editor: null, mine: [], making: false };
const players = new Players();

// By the role of who looks; the server refuses the rest in any case.
const may = { edit: true, decide: true };

const say = (text, bad = false) => {
  byId("says").textContent = text;
  byId("says").className = bad ? "bad" : "";
};

const line = (key = state.chosen) => state.lines.get(key) ?? null;
const all = () => state.order;

const approvals = new Approvals({
  drawn: (keys) => keys.forEach((key) => state.lines.has(key) && rows.update(state.lines.get(key))),
  told: (error) => told(error),
  say: (text, bad) => say(text, bad),
});
const rows = new Rows({ approval: (key) => approvals.lines[key], choose: (key, seek) => choose(key, { seek }), edit: (key) => edit(key) });
const lanes = new Lanes(players, {
  lines: all,
  chosen: () => state.chosen,
  choose: (key) => choose(key, { scroll: true }),
  moved: (one, start_ms, end_ms) => change(one, { start_ms, end_ms }),
});
const inspector = new Inspector({
  may: () => may,
  change: (one, what) => change(one, what),
  record: (one, file) => record(one, file),
  hear: (one) => hear(one),
  say: (text, bad) => say(text, bad),
  told: (error) => told(error),
  split: (one) => splitHere(one),
  merge: (one) => keep([{ line: one.key, merge_with_next: true }]),
  insert: (one) => insertAfter(one),
  reset: (one) => reset(one),
  history: (one) => showHistory(one),
  approve: (one) => approvals.decide("approved", one),
  reject: (one) => approvals.decide("rejected", one),
});

new Speakers({ lines: all, may: () => may, keep: (edits) => keepMany(edits), hear: (one) => hear(one) });

// ---- what there is

const isShown = (one) => {
  const only = byId("only").value;
  const wanted = byId("find").value.trim().toLocaleLowerCase();
  if (only === "bad" && !["warn", "fail"].includes(one.gate)) return false;
  if (only === "edited" && !one.edited) return false;
  if (only === "pending" && !one.pending) return false;
  if (only === "noted" && !one.note) return false;
  if (!wanted) return true;
  return [one.source, one.text, one.speaker, one.note, String(one.id)]
    .some((text) => (text ?? "").toLocaleLowerCase().includes(wanted));
};

const sorted = () =>
  [...state.lines.values()].sort((a, b) => a.start_ms - b.start_ms || a.end_ms - b.end_ms || a.id - b.id);

const filter = () => {
  const shown = state.order.filter(isShown);
  rows.show(shown);
  byId("count").textContent = t("shown", { shown: shown.length, all: state.order.length });
};

const take = (found) => {
  state.revision = found.revision;
  const keys = new Set(found.lines.map((one) => one.key));
  for (const key of found.gone ?? []) state.lines.delete(key);
  const reordered = (found.gone ?? []).length || found.lines.some((one) => {
    const before = state.lines.get(one.key);
    return !before || before.start_ms !== one.start_ms;
  });
  for (const one of found.lines) state.lines.set(one.key, one);
  state.order = sorted();
  for (const key of keys) rows.update(state.lines.get(key));
  if (reordered) {
    const shown = state.order.filter((one) => isShown(one) || keys.has(one.key));
    rows.arrange(shown);
    byId("count").textContent = t("shown", { shown: shown.length, all: state.order.length });
  }
  if (!line()) state.chosen = found.lines[0]?.key ?? "";
  if (state.chosen) rows.choose(state.chosen);
  inspector.show(line());
  offerNames();
  lanes.draw();
};

let voices = [];
const offerNames = () => inspector.offer(voices, [...new Set(state.order.map((one) => one.speaker))].sort());

const load = async () => {
  const before = state.revision;
  const found = await get();
  if (state.revision !== before) return load(); // something was kept meanwhile
  state.lines = new Map(found.lines.map((one) => [one.key, one]));
  state.order = sorted();
  state.revision = found.revision;
  byId("state").textContent = found.state ? t(`state_${found.state}`) : "";
  byId("state").className = `badge ${found.state}`;
  const bad = found.gates.filter((gate) => ["fail", "warn"].includes(gate.status)).length;
  byId("gates").textContent = [bad ? t("gates_bad", { count: bad }) : t("gates_good"), found.why].filter(Boolean).join(" ");
  if (found.notes.length) byId("gates").append(h("ul", {}, ...found.notes.map((note) => h("li", { dir: "auto" }, note))));
  filter();
  if (!line()) state.chosen = state.order[0]?.key ?? "";
  choose(state.chosen);
  inspector.show(line());
  offerNames();
};

// ---- where one is

function choose(key, { seek = false, focus = false, scroll = false } = {}) {
  if (!state.lines.has(key)) return;
  const other = key !== state.chosen;
  state.chosen = key;
  rows.choose(key, focus || scroll);
  if (focus) rows.focus(key);
  const one = line();
  players.looped = [one.start_ms, one.end_ms];
  if (other) inspector.show(one);
  if (seek || focus) { players.seek(one.start_ms); lanes.follow(one.start_ms); }
  lanes.draw();
}

const beside = (by) => {
  const shown = rows.showing ?? state.order;
  const at = shown.findIndex((one) => one.key === state.chosen);
  const next = shown[Math.max(0, Math.min(shown.length - 1, at + by))];
  if (next) choose(next.key, { focus: true });
};

players.onTime((ms) => {
  const now = state.order.find((one) => one.start_ms <= ms && ms < one.end_ms);
  rows.mark(now?.key ?? "");
  if (until && ms >= until) { until = 0; players.pause(); }
  lanes.follow(ms);
});

// ---- what is changed

async function keep(edits, why = "") {
  state.saving = true;
  try {
    const found = await post("/edits", { revision: state.revision, edits, why });
    state.mine.push(...found.numbers);
    say(t("saved", { number: found.numbers.at(-1) }));
    take(found);
    byId("undo").disabled = false;
    look();
    approvals.refresh();
    return found;
  } catch (error) {
    told(error);
    return null;
  } finally {
    state.saving = false;
    heed();
  }
}

const told = (error) => {
  if (!(error instanceof Refused)) throw error;
  if (error.status === 409) {
    if (error.body.lines.length) take({ ...error.body, gone: [] });
    else load();
    say(t("conflict"), true);
  } else if (error.status === 0) say(t("offline"), true);
  else {
    say([t("refused"), error.message, error.fix].filter(Boolean).join(" "), true);
    inspector.show(line());
    lanes.draw();
  }
};

const change = (one, what) => keep([{ line: one.key, change: what }]);

let nudging = null;
const nudge = (one, by) => {
  const there = nudging?.key === one.key ? nudging : { key: one.key, start_ms: one.start_ms, end_ms: one.end_ms };
  clearTimeout(nudging?.timer);
  const start_ms = Math.max(0, there.start_ms + by);
  nudging = { key: one.key, start_ms, end_ms: start_ms + (one.end_ms - one.start_ms) };
  say(`${clock(nudging.start_ms)} – ${clock(nudging.end_ms)}`);
  nudging.timer = setTimeout(() => {
    const { start_ms: start, end_ms: end } = nudging;
    nudging = null;
    change(one, { start_ms: start, end_ms: end });
  }, NUDGE_MS);
};

function edit(key = state.chosen) {
  const one = line(key);
  if (!may.edit) { say(t("may_not"), true); return; }
  if (!one || one.lock || one.keep || state.editor?.line.key === key) return;
  choose(key);
  const cell = rows.cell(key);
  if (!cell) return;
  state.editor = new Editor(cell, one, {
    revision: () => state.revision,
    save: (it, what) => change(it, what),
    split: (it, at_ms, texts) => keep([{ line: it.key, split_at_ms: at_ms, split_texts: texts }]),
    make: () => make(),
    closed: (it) => {
      if (state.editor === it) state.editor = null;
      const now = state.lines.get(it.line.key);
      const back = it.root.contains(document.activeElement) || document.activeElement === document.body;
      it.root.remove();
      if (now) rows.update(now);
      if (back) rows.focus(it.line.key);
      heed();
    },
  });
}

// As many as the server takes at once; where one of them is refused, those after it are not sent.
const AT_ONCE = 500;
const keepMany = async (edits) => {
  for (let from = 0; from < edits.length; from += AT_ONCE) {
    if (!(await keep(edits.slice(from, from + AT_ONCE)))) return;
  }
};

// The dub of a line, from its begin to its end.
let until = 0;
const hear = (one) => {
  players.hearDub();
  players.seek(one.start_ms);
  until = one.end_ms;
  players.play();
};

const record = async (one, file) => {
  try {
    const { recording, duration_ms } = await upload("/recordings", file);
    if (await change(one, { recording })) say(t("recording_kept", { seconds: (duration_ms / 1000).toFixed(1) }));
  } catch (error) { told(error); }
};

const splitHere = (one) => {
  const at = Math.round(players.ms);
  const inside = at > one.start_ms && at < one.end_ms;
  keep([{ line: one.key, split_at_ms: inside ? at : Math.round((one.start_ms + one.end_ms) / 2) }]);
};

const insertAfter = async (one) => {
  const next = state.order.find((other) => other.start_ms >= one.end_ms);
  const until = Math.min(next?.start_ms ?? Infinity, +document.body.dataset.duration || Infinity, one.end_ms + NEW_LINE_MS);
  if (until - one.end_ms < 200) { say(t("refused"), true); return; }
  const text = await ask(t("new_text"));
  if (text) keep([{ change: { insert: { start_ms: one.end_ms, end_ms: until, text, speaker: one.speaker } } }]);
};

const RESET = ["text", "source", "start_ms", "end_ms", "speaker", "voice", "take", "level_db", "pronunciation", "keep", "mute", "recording"];
const reset = (one) => change(one, { reset: RESET });

const undo = async (number) => {
  state.saving = true;
  try {
    const found = await post("/undo", { number });
    state.mine = state.mine.filter((one) => one !== number);
    byId("undo").disabled = !state.mine.length;
    say(t("undone_now", { number }));
    take(found);
    look();
    approvals.refresh();
  } catch (error) { told(error); } finally {
    state.saving = false;
    heed();
  }
};

const undoLine = async (one) => {
  const { edits } = await get(`/history?line=${encodeURIComponent(one.key)}`);
  const last = edits.findLast((it) => !it.undoes && !it.undone_by);
  if (last) undo(last.number);
};

async function showHistory(one = null) {
  const { edits } = await get(one ? `/history?line=${encodeURIComponent(one.key)}` : "/history");
  byId("history-title").textContent = one ? t("history_of", { line: one.id }) : t("history_all");
  const shown = edits.toReversed().map((it) => h("li", { value: String(it.number) },
    h("p", { class: "soft small" }, h("bdi", {}, it.who), " ", it.when ? h("time", { datetime: it.when }, new Date(it.when).toLocaleString()) : ""),
    h("p", { dir: "auto" }, it.what, it.why ? ` (${it.why})` : ""),
    it.undone_by ? h("p", { class: "soft small" }, t("undone", { number: it.undone_by }))
      : h("button", { type: "button", class: "quiet", onclick: () => { byId("history").close(); undo(it.number); } }, t("take_back"))));
  byId("history-list").replaceChildren(...(shown.length ? shown : [h("li", { class: "plain soft" }, t("history_none"))]));
  byId("history").showModal();
}

// ---- the dub is made again

async function make() {
  if (state.editor && !(await state.editor.end(true))) return;
  try {
    shown(await post("/make", {}));
    state.making = true;
    setTimeout(watch, MAKING_MS / 2);
  } catch (error) { told(error); }
}

const shown = (made) => {
  const busy = ["waiting", "running"].includes(made.state);
  byId("progress").hidden = !busy;
  byId("progress").value = Math.round(made.done * 100);
  let words = "";
  const pending = state.order.some((one) => one.pending);
  if (made.state === "waiting") words = t("making_waits");
  else if (busy) words = t("making", { step: made.step || "…", done: Math.round(made.done * 100), left: made.left_s });
  else if (made.branch === "unknown") words = t("unknown_run");
  else if (made.up_to_date && !pending) words = t("up_to_date");
  else words = made.cost ? t("pending", { words: made.cost.words }) : t("pending_unknown");
  byId("pending").textContent = words;
  byId("make").disabled = busy || !may.edit || made.branch === "unknown" || (made.up_to_date && !pending);
  return busy;
};

const watch = async () => {
  let made;
  try { made = await get("/make"); } catch { setTimeout(watch, 2 * MAKING_MS); return; }
  if (shown(made)) { setTimeout(watch, MAKING_MS); return; }
  state.making = false;
  heed();
  if (made.state === "failed") { say(`${t("make_failed")} ${made.why.split("\n").slice(-3).join(" ")}`, true); return; }
  await load();
  shown(made);
  players.reload(Date.now());
  approvals.refresh();
  lanes.load(["dub", "bed"]);
  lips();
  say(t("made"));
};

// What is not made yet.
let looked = 0;
const look = async () => {
  if (state.making) return;
  looked += 1;
  const turn = looked; // an answer that comes after a later one's is old
  try {
    const made = await get("/make");
    if (turn !== looked || state.making) return;
    if (shown(made)) { state.making = true; setTimeout(watch, MAKING_MS); }
  } catch { /* it is asked again */ }
};

// Somebody edited or decided, perhaps this page; while something is typed or made here, it is looked at afterwards.
let others = null;
const heed = async (now = others) => {
  others = now;
  if (!now || state.making || state.editor || state.saving) return;
  others = null;
  try {
    if (approvals.count !== undefined && now.decisions !== approvals.count) approvals.refresh();
    if (now.revision === state.revision) return;
    await load();
    look();
    approvals.refresh();
    if (now.edited_by) say(t("edited_by", { who: now.edited_by }));
  } catch (error) { told(error); }
};

// ---- keys

listen({
  space: () => players.toggle(),
  back: () => players.seek(players.ms - 2000),
  pause: () => players.pause(),
  forward: () => (players.playing ? players.setRate(players.rate >= 1.5 ? 1 : 1.5) : players.play()),
  up: () => beside(-1),
  down: () => beside(1),
  left: (event) => (event.altKey ? line() && nudge(line(), -100) : event.shiftKey ? players.step(-1) : players.seek(players.ms - 1000)),
  right: (event) => (event.altKey ? line() && nudge(line(), 100) : event.shiftKey ? players.step(1) : players.seek(players.ms + 1000)),
  edit: () => edit(),
  make: () => may.edit && !state.making && make(),
  swap: () => players.swap(),
  loop: () => byId("loop").click(),
  split: () => line() && splitHere(line()),
  merge: () => line() && keep([{ line: state.chosen, merge_with_next: true }]),
  insert: () => line() && insertAfter(line()),
  begins: () => line() && change(line(), { start_ms: Math.round(players.ms) }),
  ends: () => line() && change(line(), { end_ms: Math.round(players.ms) }),
  approve: () => line() && approvals.decide("approved", line()),
  reject: () => line() && approvals.decide("rejected", line()),
  note: () => inspector.focusNote(),
  undo: () => line() && undoLine(line()),
  history: () => line() && showHistory(line()),
  find: () => byId("find").focus(),
  record: () => line() && may.edit && (inspector.takes.isRecording || !line().lock) && inspector.takes.toggle(line()),
  help: () => byId("help").showModal(),
});

byId("make").addEventListener("click", () => make());
byId("undo").addEventListener("click", () => state.mine.length && undo(state.mine.at(-1)));
byId("help-button").addEventListener("click", () => byId("help").showModal());
byId("history-button").addEventListener("click", () => showHistory());
byId("only").addEventListener("change", filter);
let finding = 0;
byId("find").addEventListener("input", () => { clearTimeout(finding); finding = setTimeout(filter, 150); });

await load();
performance.mark("lines");
look();
approvals.refresh();
lanes.load();
const lips = () => get("/lips").then(({ spans }) => {
  inspector.spans = spans;
  lanes.show(spans);
  inspector.show(line());
}).catch(() => {});
lips();
get("/voices").then((found) => { voices = found.voices; offerNames(); }).catch(() => {});
listenToOthers((now) => heed(now));
me().then(({ role }) => {
  may.edit = ["editor", "owner"].includes(role);
  may.decide = role !== "viewer";
  document.body.dataset.role = role;
  inspector.show(line());
}).catch(() => {});
