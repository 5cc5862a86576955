// What was approved and rejected, of the language and of its lines, and what was changed since.

import { ask } from "./ask.js";
import { byId, h, t } from "./dom.js";
import { get, post } from "./server.js";

export const approvalWords = (one) => {
  if (!one || (one.state === "draft" && !one.stale)) return "";
  return one.stale ? t("approval_stale", { changed: one.changed.join(", ") }) : t(`approval_${one.state}`);
};

export class Approvals {
  // drawn: called with the keys of lines whose approval is another one now; told: with what went wrong; say: with news.
  constructor({ drawn, told, say }) {
    Object.assign(this, { drawn, told, say });
    this.lines = {};
    byId("approve-all").addEventListener("click", () => this.decide("approved"));
    byId("reject-all").addEventListener("click", () => this.decide("rejected"));
  }

  async refresh() {
    this.turn = (this.turn ?? 0) + 1;
    const { turn } = this;
    try {
      const found = await get("/approvals");
      if (turn === this.turn) this.#take(found); // else a later answer is there
    } catch (error) { this.told(error); }
  }

  // Of one line, or of all that was made so far.
  async decide(verdict, line = null) {
    const title = line ? t("why_line", { line: line.id }) : t("why_all");
    const why = verdict === "rejected" ? await ask(title) : "";
    if (why === null) return;
    const stage = this.approval?.furthest;
    const seen = line || !stage ? "" : this.approval.stages[stage]?.content ?? "";
    try {
      const shown = line && this.lines[line.key]?.content;
      const seen_lines = shown ? { [line.key]: shown } : {};
      const found = await post("/decisions", { verdict, lines: line ? [line.key] : [], seen, seen_lines, why });
      this.#take(found);
      this.say([t(verdict === "approved" ? "approved_now" : "rejected_now"), ...found.notes].join(" "));
    } catch (error) {
      if (error.status === 409) {
        this.#take(error.body);
        this.say(t("changed_since"), true);
      } else this.told(error);
    }
  }

  #take(found) {
    this.turn = (this.turn ?? 0) + 1;
    const before = this.lines;
    this.approval = found.approval;
    this.count = found.decisions.length;
    this.lines = found.lines;
    const told = (one) => (one?.verdict ? JSON.stringify([one.state, one.stale, one.changed]) : "");
    this.drawn(Object.keys({ ...before, ...this.lines }).filter((key) => told(before[key]) !== told(this.lines[key])));
    const { approval } = found;
    const who = approval.decision && !approval.stale ? ` ${t("by_whom", approval)}` : "";
    byId("approval").replaceChildren(
      h("span", { class: `badge ${approval.stale ? "warn" : { approved: "pass", rejected: "fail" }[approval.state] ?? ""}` },
        approvalWords(approval) || t(`approval_${approval.state}`)),
      h("bdi", { class: "soft small" }, who, approval.why ? ` ${approval.why}` : ""),
    );
    const nothing = document.body.dataset.role === "viewer" || !approval.furthest || approval.state === "locked";
    byId("approve-all").disabled = nothing;
    byId("reject-all").disabled = nothing;
  }
}
