// Two films on one clock. The dub leads; the source follows it.

import { byId, clock, t } from "./dom.js";

const APART_S = 0.08;
const FRAME_MS = 40;

export class Players {
  constructor() {
    this.dub = byId("dub-film");
    this.source = byId("source-film");
    this.looped = null; // [from, to] in milliseconds
    this.listeners = [];
    this.rate = 1;
    this.failed = new Set();
    for (const [film, absent] of [[this.source, "no-source"], [this.dub, "no-dub"]]) {
      const fail = () => {
        this.failed.add(film);
        film.hidden = true;
        byId(absent).hidden = false;
      };
      film.addEventListener("error", fail);
      if (!film.getAttribute("src") || film.error) fail();
      film.addEventListener("loadedmetadata", () => this.#told());
    }
    byId("play").addEventListener("click", () => this.toggle());
    byId("ab").addEventListener("click", () => this.swap());
    byId("mute-source").addEventListener("change", () => this.#mutes());
    byId("mute-dub").addEventListener("change", () => this.#mutes());
    byId("speed").addEventListener("change", (event) => this.setRate(+event.target.value));
    byId("seek").addEventListener("input", (event) => this.seek(+event.target.value));
    byId("loop").addEventListener("change", () => this.#told());
    byId("view").addEventListener("change", (event) => {
      byId("players").dataset.view = event.target.value;
      byId("wipe-label").hidden = event.target.value !== "wipe";
      this.#wipe();
    });
    byId("wipe").addEventListener("input", () => this.#wipe());
    for (const film of [this.source, this.dub]) film.addEventListener("click", () => this.toggle());
    this.#mutes();
  }

  get lead() { return this.failed.has(this.dub) ? this.source : this.dub; }
  get films() { return [this.source, this.dub].filter((film) => !this.failed.has(film)); }
  get ms() { return this.lead.currentTime * 1000; }
  get playing() { return !this.lead.paused && !this.lead.ended; }

  onTime(listener) { this.listeners.push(listener); }

  seek(ms) {
    const seconds = Math.max(0, ms) / 1000;
    for (const film of this.films) film.currentTime = Math.min(seconds, film.duration || seconds);
    this.#told();
  }

  step(frames) { this.seek(this.ms + frames * FRAME_MS); }

  async toggle() { return this.playing ? this.pause() : this.play(); }

  async play() {
    if (this.lead.ended) this.seek(0);
    await Promise.allSettled(this.films.map((film) => film.play()));
    byId("play").textContent = t("pause");
    this.#tick();
  }

  pause() {
    for (const film of this.films) film.pause();
    byId("play").textContent = t("play");
    this.#told();
  }

  setRate(rate) {
    this.rate = rate;
    for (const film of this.films) film.playbackRate = rate;
    byId("speed").value = String(rate);
  }

  // What was heard is muted, the other one is heard.
  swap() {
    const source = byId("mute-source");
    byId("mute-dub").checked = source.checked;
    source.checked = !source.checked;
    if (source.checked === byId("mute-dub").checked) byId("mute-dub").checked = !source.checked;
    this.#mutes();
  }

  hearDub() {
    byId("mute-source").checked = true;
    byId("mute-dub").checked = false;
    this.#mutes();
  }

  // The film was made again: the new one is shown where the old one was.
  reload(stamp) {
    const at = this.ms;
    const place = (this.dub.getAttribute("src") ?? "").split("?")[0];
    if (!place) { location.reload(); return; }
    this.failed.delete(this.dub);
    this.dub.hidden = false;
    byId("no-dub").hidden = true;
    this.dub.src = `${place}?made=${stamp}`;
    this.dub.addEventListener("loadedmetadata", () => this.seek(at), { once: true });
  }

  #mutes() {
    this.source.muted = byId("mute-source").checked;
    this.dub.muted = byId("mute-dub").checked;
    const hearsSource = !this.source.muted;
    byId("ab").firstChild.textContent = `${t(hearsSource ? "hear_dub" : "hear_source")} `;
    byId("ab").setAttribute("aria-pressed", String(hearsSource));
  }

  #wipe() {
    const wiped = byId("view").value === "wipe";
    this.dub.style.clipPath = wiped ? `inset(0 0 0 ${byId("wipe").value}%)` : "";
  }

  #tick() {
    if (!this.playing) {
      byId("play").textContent = t("play");
      this.#told();
      return;
    }
    const { lead } = this;
    for (const film of this.films) {
      if (film !== lead && Math.abs(film.currentTime - lead.currentTime) > APART_S && lead.currentTime < film.duration) {
        film.currentTime = lead.currentTime;
      }
    }
    if (byId("loop").checked && this.looped && this.ms >= this.looped[1]) this.seek(this.looped[0]);
    this.#told();
    requestAnimationFrame(() => this.#tick());
  }

  #told() {
    byId("clock").textContent = clock(this.ms);
    if (document.activeElement !== byId("seek")) byId("seek").value = String(this.ms);
    for (const listener of this.listeners) listener(this.ms);
  }
}
