// All that can be decided about the chosen line besides its translation.

import { byId, clock, h, parsedClock, t } from "./dom.js";
import { lipsOf } from "./lips.js";
import { Takes } from "./takes.js";

const { sourceLanguage } = document.body.dataset;

export class Inspector {
  // does: what its buttons and fields do, each with the line.
  constructor(does) {
    this.does = does;
    this.root = byId("inspector");
    this.takes = new Takes(does);
    this.voices = h("datalist", { id: "voices" });
    this.speakers = h("datalist", { id: "speakers" });
    document.body.append(this.voices, this.speakers);
    this.line = null;
    this.spans = null;
  }

  offer(voices, speakers) {
    this.voices.replaceChildren(...voices.map((value) => h("option", { value })));
    this.speakers.replaceChildren(...speakers.map((value) => h("option", { value })));
  }

  focusNote() { this.root.querySelector("[name=note]")?.focus(); }

  show(line) {
    const focused = this.root.contains(document.activeElement) ? document.activeElement.name : "";
    this.line = line;
    if (!line) {
      this.root.replaceChildren(h("p", { class: "soft" }, t("no_line")));
      return;
    }
    const { does } = this;
    const button = (name, action, more = {}) =>
      h("button", { type: "button", class: "quiet", onclick: () => action(line), ...more }, t(name));
    const shut = line.lock ? { disabled: true } : {};
    const shown = [
      h("h2", {}, t("the_line", { line: line.id })),
      h("div", { class: "pair" }, this.#time("start_ms", "start"), this.#time("end_ms", "end")),
      this.#text("source", "source", line.source, { rows: "2", lang: sourceLanguage }),
      h("div", { class: "pair" },
        this.#word("speaker", "speaker", line.speaker, { list: "speakers" }),
        this.#word("voice", "voice", line.voice, { list: "voices", placeholder: t("voice_of_speaker") })),
      h("div", { class: "pair" },
        h("div", { class: "checks" }, this.#number("level_db", "level", { step: "0.5", min: "-24", max: "24" }),
          this.#number("take", "reading", { step: "1", min: "0", max: "99" })),
        h("div", { class: "checks" }, ...["keep", "mute", "lock"].map((name) => this.#check(name)))),
      this.#pronunciation(),
      this.takes.field(line, Boolean(line.lock)),
      this.#text("note", "note", line.note, { rows: "2" }),
      this.spans ? h("p", { class: "small", id: "lips" }, h("span", { class: "soft" }, t("lips"), ": "), lipsOf(line, this.spans) || t("lips_nothing")) : null,
      h("div", { class: "buttons" },
        button("split", does.split, shut), button("merge", does.merge, shut), button("insert", does.insert),
        button("reset", does.reset, shut), button("history", does.history)),
      h("div", { class: "buttons decide" }, button("approve", does.approve), button("reject", does.reject)),
    ];
    this.root.replaceChildren(...shown.filter(Boolean));
    const { edit, decide } = this.does.may();
    if (!edit) for (const one of this.root.querySelectorAll("input, textarea, button")) one.disabled = !one.classList.contains("always");
    if (decide) for (const one of this.root.querySelectorAll(".decide button")) one.disabled = false;
    if (focused) this.root.querySelector(`[name=${focused}]`)?.focus();
  }

  #field(name, label, input) {
    if (this.line.lock && !["lock", "note"].includes(name)) input.disabled = true;
    return h("label", { class: "field" }, h("span", {}, t(label)), input);
  }

  #time(name, label) {
    const input = h("input", { name, value: clock3(this.line[name]), inputmode: "decimal", autocomplete: "off" });
    input.addEventListener("change", () => {
      const ms = parsedClock(input.value);
      if (ms === null) { input.value = clock3(this.line[name]); return; }
      this.does.change(this.line, { [name]: ms });
    });
    return this.#field(name, label, input);
  }

  #text(name, label, value, more) {
    const input = h("textarea", { name, value, dir: "auto", maxlength: "20000", ...more });
    input.addEventListener("change", () => this.does.change(this.line, { [name]: input.value.trim() }));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = value; input.blur(); }
    });
    return this.#field(name, label, input);
  }

  #word(name, label, value, more) {
    const input = h("input", { name, value, dir: "auto", maxlength: "200", autocomplete: "off", ...more });
    input.addEventListener("change", () => {
      const text = input.value.trim();
      this.does.change(this.line, text ? { [name]: text } : { reset: [name] });
    });
    return this.#field(name, label, input);
  }

  // 0 is the machine's.
  #number(name, label, bounds) {
    const input = h("input", { name, type: "number", value: String(this.line[name]), ...bounds });
    input.addEventListener("change", () => {
      const value = Number(input.value);
      if (input.value === "" || !input.validity.valid) input.value = String(this.line[name]);
      else this.does.change(this.line, value ? { [name]: value } : { reset: [name] });
    });
    return this.#field(name, label, input);
  }

  // A word a row: Jordi=siátel, or Jordi=/ˈʒɔɾdi/.
  #pronunciation() {
    const shown = this.line.pronunciation.map((one) => `${one.word}=${one.ipa ? `/${one.ipa}/` : one.say}`).join("\n");
    const input = h("textarea", { name: "pronunciation", rows: "1", dir: "auto", value: shown, placeholder: t("pronunciation_hint") });
    input.addEventListener("change", () => {
      const said = [];
      for (const row of input.value.split("\n").filter((one) => one.trim())) {
        const [word, ...rest] = row.split("=");
        const sound = rest.join("=").trim();
        if (!word.trim() || !sound) { input.setCustomValidity(t("pronunciation_hint")); input.reportValidity(); return; }
        const ipa = /^\/(.+)\/$/.exec(sound);
        said.push(ipa ? { word: word.trim(), ipa: ipa[1] } : { word: word.trim(), say: sound });
      }
      input.setCustomValidity("");
      this.does.change(this.line, said.length ? { pronunciation: said } : { reset: ["pronunciation"] });
    });
    return this.#field("pronunciation", "pronunciation", input);
  }

  #check(name) {
    const input = h("input", { type: "checkbox", name, checked: this.line[name] });
    if (this.line.lock && name !== "lock") input.disabled = true;
    input.addEventListener("change", () => this.does.change(this.line, { [name]: input.checked }));
    return h("label", {}, input, " ", t(name));
  }
}

const clock3 = (ms) => {
  const whole = clock(Math.floor(ms / 1000) * 1000).replace(/\.\d$/, "");
  return `${whole}.${String(ms % 1000).padStart(3, "0")}`;
};

