// Everybody who speaks: heard, renamed, merged with another by taking their name, and given a voice, on all their lines.

import { byId, h, t } from "./dom.js";

export class Speakers {
  // lines: returns them all; may: what the role may; keep: of edits, together; hear: of a line; voices: names that are known.
  constructor({ lines, may, keep, hear }) {
    Object.assign(this, { lines, may, keep, hear });
    byId("speakers-button").addEventListener("click", () => this.open());
  }

  open() {
    const by = new Map();
    for (const line of this.lines()) by.set(line.speaker, [...(by.get(line.speaker) ?? []), line]);
    const rows = [...by].sort(([a], [b]) => a.localeCompare(b)).map(([who, said]) => this.#row(who, said));
    byId("speakers-list").replaceChildren(...rows);
    byId("speakers-dialog").showModal();
  }

  #row(who, said) {
    const shut = !this.may().edit;
    const voices = [...new Set(said.map((line) => line.voice))];
    const voice = voices.length === 1 ? voices[0] : "";
    const name = h("input", { value: who, list: "speakers", dir: "auto", maxlength: "200", autocomplete: "off", disabled: shut });
    const given = h("input", {
      value: voice, list: "voices", dir: "auto", maxlength: "200", autocomplete: "off", disabled: shut,
      placeholder: voices.length > 1 ? t("voices_several") : t("voice_of_speaker"),
    });
    const save = async () => {
      const [speaker, wanted] = [name.value.trim(), given.value.trim()];
      const change = {};
      if (speaker && speaker !== who) change.speaker = speaker;
      if (wanted && wanted !== voice) change.voice = wanted;
      if (!wanted && voice) change.reset = ["voice"];
      const open = said.filter((line) => !line.lock);
      if (!Object.keys(change).length || !open.length) return;
      byId("speakers-dialog").close();
      await this.keep(open.map((line) => ({ line: line.key, change })));
    };
    // The longest line is the best sample.
    const sample = said.reduce((a, b) => (b.end_ms - b.start_ms > a.end_ms - a.start_ms ? b : a));
    return h("li", {},
      h("h3", {}, h("bdi", {}, who || t("speaker_none")), " ", h("span", { class: "soft small" }, t("speaker_lines", { count: said.length }))),
      h("div", { class: "pair" },
        h("label", { class: "field" }, h("span", {}, t("speaker_name")), name),
        h("label", { class: "field" }, h("span", {}, t("voice")), given)),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "quiet", "aria-label": `${t("sample")}: ${who}`, onclick: () => this.hear(sample) }, "▶ ", t("sample")),
        h("button", { type: "button", disabled: shut, "aria-label": `${t("save")}: ${who}`, onclick: save }, t("save"))));
  }
}
