// The translation of one line, edited where it stands: how it will fit, and what it will cost, while it is typed.

import { h, t } from "./dom.js";
import { post } from "./server.js";

const FIT_AFTER_MS = 120;
const COST_AFTER_MS = 700;
const SHORTEST_MS = 100;

export const fitWords = (fit) =>
  [
    t(fit.verdict, fit),
    fit.cps > fit.cps_limit ? t("cps_over", { cps: fit.cps, limit: fit.cps_limit }) : t("cps_of", { cps: fit.cps }),
  ].join("; ");

export class Editor {
  // cell: of the table; line: as it is; revision: returns the one seen; save(line, change), split(line, at_ms, texts)
  // and make() are called when asked for; closed when it ends.
  constructor(cell, line, { revision, save, split, make, closed }) {
    Object.assign(this, { line, revision, save, split, make, closed });
    this.before = line.text ?? "";
    this.area = h("textarea", {
      rows: "2", dir: "auto", lang: document.body.dataset.language, value: this.before, maxlength: "20000",
      "aria-label": t("edit_translation", { line: line.id }), "aria-describedby": "fit-words",
    });
    this.fit = h("output", { id: "fit-words", class: "fit-words" });
    this.cost = h("span", { class: "soft small" });
    this.cut = h("button", { type: "button", class: "quiet small" }, t("split"));
    this.root = h("div", { class: "editor" }, this.area, this.fit, this.cost, this.cut);
    cell.replaceChildren(this.root);
    this.area.addEventListener("input", () => this.#typed());
    this.area.addEventListener("keydown", (event) => this.#key(event));
    // Where its row is drawn again, it is moved and focused again.
    this.root.addEventListener("focusout", () => setTimeout(() => {
      if (!this.root.contains(document.activeElement)) this.end(true);
    }, 0));
    this.cut.addEventListener("click", () => this.#split());
    this.area.focus();
    this.#size();
    this.#typed();
  }

  get text() { return this.area.value.replace(/\s*\n\s*/g, " ").trim(); }

  async end(keep) {
    if (this.ended) return true;
    this.ended = true;
    clearTimeout(this.fitTimer);
    clearTimeout(this.costTimer);
    const changed = keep && this.text !== this.before;
    if (changed && !(await this.save(this.line, { text: this.text }))) {
      this.ended = false; // what was written stays
      return false;
    }
    this.closed(this);
    return true;
  }

  #size() {
    if (CSS.supports("field-sizing", "content")) return;
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(320, this.area.scrollHeight + 2)}px`;
  }

  #typed() {
    this.#size();
    clearTimeout(this.fitTimer);
    clearTimeout(this.costTimer);
    this.asking?.abort();
    this.fitTimer = setTimeout(() => this.#predict(), FIT_AFTER_MS);
    if (this.text !== this.before) this.costTimer = setTimeout(() => this.#count(), COST_AFTER_MS);
    else this.cost.textContent = "";
  }

  async #predict() {
    this.asking = new AbortController();
    try {
      const fit = await post("/fit", { line: this.line.key, text: this.text }, this.asking.signal);
      this.fit.textContent = fitWords(fit);
      this.fit.className = `fit-words ${fit.verdict}`;
    } catch { /* the next key asks again */ }
  }

  async #count() {
    try {
      const edits = [{ line: this.line.key, change: { text: this.text } }];
      const cost = await post("/edits/preview", { revision: this.revision(), edits });
      this.cost.textContent = t("costs", { words: cost.words });
    } catch { this.cost.textContent = ""; }
  }

  #key(event) {
    event.stopPropagation();
    if (event.key === "Escape") { event.preventDefault(); this.end(false); }
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.end(true).then((kept) => kept && this.make());
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.end(true);
    }
  }

  // The line becomes two where the cursor is; the time by the share of the text before it.
  #split() {
    const at = this.area.selectionStart;
    const [first, second] = [this.area.value.slice(0, at).trim(), this.area.value.slice(at).trim()];
    if (!first || !second) return;
    const { start_ms, end_ms } = this.line;
    const share = first.length / (first.length + second.length);
    const ms = Math.round(start_ms + share * (end_ms - start_ms));
    this.ended = true;
    this.closed(this);
    this.split(this.line, Math.max(start_ms + SHORTEST_MS, Math.min(ms, end_ms - SHORTEST_MS)), [first, second]);
  }
}
