// The table of lines. Rows out of sight are neither laid out nor painted (content-visibility); the first are there at once.

import { approvalWords } from "./approvals.js";
import { byId, clock, h, t } from "./dom.js";

const AT_ONCE = 60;
const A_TIME = 300;
const whenIdle = window.requestIdleCallback ?? ((then) => setTimeout(then, 0));
const { language, sourceLanguage } = document.body.dataset;

const gateOf = (line) => (line.pending ? "pending" : line.gate || "none");

// The heard words, those that differ marked.
const heard = (line) => {
  if (line.pending) return [h("span", { class: "soft" }, t("gate_pending"))];
  if (line.heard === undefined) return [h("span", { class: "soft" }, t("not_heard"))];
  const parts = [];
  let at = 0;
  for (const [, , from, to, verdict] of line.differs ?? []) {
    if (from < at || to > line.heard.length) continue;
    parts.push(line.heard.slice(at, from), h("mark", { class: verdict }, line.heard.slice(from, to)));
    at = to;
  }
  return [...parts, line.heard.slice(at)];
};

const flags = (line) =>
  [["keep", "keep"], ["mute", "mute"], ["lock", "lock"], ["recording", "recorded"]]
    .filter(([name]) => line[name]).map(([, word]) => h("span", { class: "flag" }, t(word)));

export class Rows {
  // approval: of a line, by its key; choose: called with a key; edit: to edit its translation.
  constructor({ approval, choose, edit }) {
    this.approval = approval;
    this.body = byId("rows");
    this.elements = new Map();
    this.chosen = "";
    this.now = "";
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("[data-key]");
      if (!row || event.target.closest("textarea")) return;
      choose(row.dataset.key, true);
      if (event.target.closest(".said")) edit(row.dataset.key);
    });
    this.body.addEventListener("focusin", (event) => {
      const row = event.target.closest("[data-key]");
      if (row && row.dataset.key !== this.chosen) choose(row.dataset.key);
    });
  }

  show(lines) {
    this.elements.clear();
    this.body.replaceChildren();
    byId("table").setAttribute("aria-rowcount", String(lines.length + 1));
    this.showing = lines;
    const turn = {};
    this.turn = turn;
    const put = (from, count) => {
      if (this.turn !== turn) return;
      const part = document.createDocumentFragment();
      for (const line of lines.slice(from, from + count)) part.append(this.#made(line, lines.indexOf(line, from)));
      this.body.append(part);
      if (from + count < lines.length) whenIdle(() => put(from + count, A_TIME), { timeout: 200 });
    };
    put(0, AT_ONCE);
  }

  // Rows that are only there later are made now, up to a line's.
  reach(key) {
    if (this.elements.has(key)) return;
    this.turn = null;
    const there = this.body.childElementCount;
    this.showing.slice(there).forEach((line, number) => this.body.append(this.#made(line, there + number)));
  }

  // Lines came, went or moved: what stays is left where it is.
  arrange(lines) {
    this.turn = null;
    this.showing = lines;
    const wanted = new Set(lines.map((line) => line.key));
    for (const [key, row] of this.elements) {
      if (!wanted.has(key)) { row.remove(); this.elements.delete(key); }
    }
    let there = this.body.firstChild;
    lines.forEach((line, number) => {
      const row = this.elements.get(line.key) ?? this.#made(line, number);
      row.setAttribute("aria-rowindex", String(number + 2));
      if (row === there) there = there.nextSibling;
      else this.body.insertBefore(row, there);
    });
    byId("table").setAttribute("aria-rowcount", String(lines.length + 1));
  }

  update(line) {
    const old = this.elements.get(line.key);
    if (!old) return;
    const editing = old.querySelector(".editor");
    const typing = editing?.contains(document.activeElement) ? document.activeElement : null;
    const row = this.#made(line, +old.getAttribute("aria-rowindex") - 2);
    if (editing) row.querySelector(".said").replaceChildren(editing);
    const focused = old === document.activeElement;
    old.replaceWith(row);
    typing?.focus({ preventScroll: true });
    if (focused) row.focus({ preventScroll: true });
  }

  choose(key, scroll) {
    const before = this.elements.get(this.chosen);
    if (before) { before.removeAttribute("aria-current"); before.tabIndex = -1; }
    this.chosen = key;
    this.reach(key);
    const row = this.elements.get(key);
    if (!row) return;
    row.setAttribute("aria-current", "true");
    row.tabIndex = 0;
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }

  focus(key) {
    this.reach(key);
    this.elements.get(key)?.focus({ preventScroll: true });
  }

  // The line that is playing.
  mark(key) {
    if (key === this.now) return;
    this.elements.get(this.now)?.classList.remove("now");
    this.now = key;
    this.elements.get(key)?.classList.add("now");
  }

  cell(key) {
    this.reach(key);
    return this.elements.get(key)?.querySelector(".said") ?? null;
  }

  #approved(line) {
    const one = this.approval(line.key);
    const words = ["approved", "rejected"].includes(one?.verdict) ? approvalWords(one) : "";
    const colour = one?.stale ? "warn" : one?.state === "rejected" ? "fail" : "pass";
    return words ? [h("span", { class: `badge whole ${colour}`, title: one.why || false }, words), " "] : [];
  }

  #made(line, number) {
    const gate = gateOf(line);
    const fit = line.natural_of_slot && !line.pending ? `${Math.round(line.natural_of_slot * 100)} %` : "";
    const row = h(
      "div",
      {
        role: "row", class: `row gate-${gate}${line.key === this.now ? " now" : ""}`, "data-key": line.key,
        tabindex: line.key === this.chosen || (!this.chosen && number === 0) ? "0" : "-1",
        "aria-rowindex": String(number + 2), "aria-current": line.key === this.chosen ? "true" : false,
      },
      h("span", { role: "rowheader", class: "which" }, h("b", {}, String(line.id)), " ",
        h("span", { class: "time" }, clock(line.start_ms)), h("span", { class: `badge ${gate}` }, t(`gate_${gate}`))),
      h("span", { role: "cell", class: "source", dir: "auto", lang: sourceLanguage }, line.source),
      h("span", { role: "cell", class: "said", dir: "auto", lang: language },
        line.text ?? h("i", { class: "soft" }, t("to_be_translated"))),
      h("span", { role: "cell", class: "heard", dir: "auto", lang: language }, ...heard(line)),
      h("span", { role: "cell", class: "speaker" }, h("bdi", {}, line.speaker), line.voice ? h("bdi", { class: "soft small" }, line.voice) : null),
      h("span", { role: "cell", class: "fit" }, `${((line.end_ms - line.start_ms) / 1000).toFixed(1)} s`,
        fit ? h("span", { class: "small" }, fit) : null, h("abbr", { class: "soft small", title: t("cps_of", { cps: line.cps }) }, t("cps_short", { cps: line.cps }))),
      h("span", { role: "cell", class: "note", dir: "auto" }, ...this.#approved(line), ...flags(line), line.note),
    );
    this.elements.set(line.key, row);
    return row;
  }
}
