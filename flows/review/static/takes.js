// The takes of a line: the voice's, its other readings, and those that people recorded, by the microphone or as files; each is
// heard and chosen.

import { h, t } from "./dom.js";
import { get, place, post } from "./server.js";

const LONGEST_MS = 120_000;
const READING_MS = 1000;

export class Takes {
  // does: change(line, what), record(line, sound), hear(line), say(text, bad) and told(error).
  constructor(does) {
    this.does = does;
    this.of = ""; // whose readings are shown
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
    this.readings = h("ul", { class: "readings" });
    this.read = h("button", { type: "button", class: "quiet", disabled: shut, onclick: () => this.#read(line, shut) }, t("readings_make"));
    if (this.of === line.key) this.#readings(line, shut).catch(this.does.told);
    return h("fieldset", { class: "takes" }, h("legend", {}, t("takes")),
      h("ul", {}, this.#take(line, t("take_voice"), "", chosen === "", shut),
        ...line.recordings.map((name, n) => this.#take(line, t("take_recorded", { number: n + 1 }), name, chosen === name, shut))),
      this.readings,
      h("div", { class: "buttons" }, this.read, this.button, h("label", { class: "field" }, h("span", {}, t("recording")), file)));
  }

  #take(line, words, name, chosen, shut) {
    const hear = () => (name ? this.#play(`/recordings/${name}`) : this.does.hear(line));
    return this.#row(words, chosen, shut, hear, () => this.does.change(line, name ? { recording: name } : { reset: ["recording"] }));
  }

  // The voice reads the line in several ways, beside the dub.
  async #read(line, shut) {
    this.of = line.key;
    try {
      await post("/readings", { line: line.key });
      await this.#readings(line, shut);
    } catch (error) { this.does.told(error); }
  }

  // What was read so far, until no more comes; another line's list is left alone.
  async #readings(line, shut) {
    const list = this.readings;
    const found = await get(`/readings?line=${encodeURIComponent(line.key)}`);
    if (list !== this.readings) return;
    list.replaceChildren(...found.readings.map((one) => this.#row(
      t("reading_number", { number: one.take, seconds: (one.duration_ms / 1000).toFixed(1) }), !line.recording && line.take === one.take, shut,
      () => this.#play(`/readings/${encodeURIComponent(line.key)}/${one.take}?of=${one.sound}`),
      () => this.does.change(line, { take: one.take, ...(line.recording ? { reset: ["recording"] } : {}) }))));
    const busy = ["waiting", "running"].includes(found.state);
    this.read.disabled = shut || busy;
    if (found.state === "failed") this.does.say([t("refused"), found.why].join(" "), true);
    if (busy) {
      this.does.say(t("readings_making"));
      setTimeout(() => list === this.readings && this.#readings(line, shut).catch(this.does.told), READING_MS);
    } else if (found.readings.length) this.does.say(t("readings_made", { count: found.readings.length }));
  }

  #play(where) {
    this.sound.src = place + where;
    this.sound.play().catch(() => this.does.say(t("not_played"), true));
  }

  #row(words, chosen, shut, hear, use) {
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
