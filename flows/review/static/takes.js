// The takes of a line: the voice's, and those that people recorded, by the microphone or as files; each is heard and chosen.

import { h, t } from "./dom.js";
import { place } from "./server.js";

const LONGEST_MS = 120_000;

export class Takes {
  // does: change(line, what), record(line, sound), hear(line) and say(text, bad).
  constructor(does) {
    this.does = does;
    this.sound = new Audio();
    this.recorder = null;
  }

  get isRecording() { return this.recorder !== null; }

  // shut: nothing of the line may be changed.
  field(line, shut) {
    const chosen = line.recording;
    const file = h("input", { name: "recording", type: "file", accept: "audio/*,.wav,.flac,.m4a", disabled: shut });
    file.addEventListener("change", () => file.files[0] && this.does.record(line, file.files[0]));
    this.button = h("button", {
      type: "button", class: "quiet", disabled: shut, "aria-pressed": String(this.isRecording), onclick: () => this.toggle(line),
    }, t(this.isRecording ? "record_stop" : "record"), " ", h("kbd", {}, "R"));
    return h("fieldset", { class: "takes" }, h("legend", {}, t("takes")),
      h("ul", {}, this.#take(line, t("take_voice"), "", chosen === "", shut),
        ...line.recordings.map((name, n) => this.#take(line, t("take_recorded", { number: n + 1 }), name, chosen === name, shut))),
      h("div", { class: "buttons" }, this.button, h("label", { class: "field" }, h("span", {}, t("recording")), file)));
  }

  #take(line, words, name, chosen, shut) {
    const hear = () => {
      if (!name) { this.does.hear(line); return; }
      this.sound.src = `${place}/recordings/${name}`;
      this.sound.play().catch(() => this.does.say(t("not_played"), true));
    };
    const use = () => this.does.change(line, name ? { recording: name } : { reset: ["recording"] });
    return h("li", {},
      h("button", { type: "button", class: "quiet small always", "aria-label": `${t("play")}: ${words}`, onclick: hear }, "▶"), " ", words, " ",
      chosen ? h("span", { class: "flag" }, t("take_chosen"))
        : h("button", { type: "button", class: "quiet small", disabled: shut, "aria-label": `${t("take_use")}: ${words}`, onclick: use }, t("take_use")));
  }

  // Recording begins, or ends and is kept for the line that it began at.
  async toggle(line) {
    if (this.recorder) { this.recorder.stop(); return; }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch {
      this.does.say(t("no_microphone"), true);
      return;
    }
    const parts = [];
    const recorder = new MediaRecorder(stream);
    const tooLong = setTimeout(() => recorder.state === "recording" && recorder.stop(), LONGEST_MS);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      clearTimeout(tooLong);
      for (const track of stream.getTracks()) track.stop();
      this.recorder = null;
      this.#shown();
      this.does.record(line, new Blob(parts));
    });
    this.recorder = recorder;
    recorder.start();
    this.#shown();
    this.does.say(t("recording_now", { line: line.id }));
  }

  #shown() {
    if (!this.button) return;
    this.button.firstChild.textContent = t(this.isRecording ? "record_stop" : "record");
    this.button.setAttribute("aria-pressed", String(this.isRecording));
  }
}
