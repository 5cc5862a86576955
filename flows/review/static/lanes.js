// The sound of source, dub and bed, and the lines over it, which can be dragged.

import { byId, t } from "./dom.js";
import { lipColour } from "./lips.js";
import { bytes } from "./server.js";

const BIN_MS = 20;
const LANES = ["source", "dub", "bed"];
const HEIGHT = 46;
const REGIONS = 34;
const LIPS = 18;
const EDGE_PX = 7;
const SHORTEST_MS = 100;

export class Lanes {
  // lines: returns those that there are; moved: called with a line and its new times.
  constructor(players, { lines, chosen, choose, moved }) {
    Object.assign(this, { players, lines, chosen, choose, moved });
    this.canvas = byId("lanes");
    this.peaks = {};
    this.spans = null;
    this.from = 0;
    this.drag = null;
    this.duration = +document.body.dataset.duration || 1;
    byId("zoom").addEventListener("change", () => { this.follow(this.players.ms, true); this.draw(); });
    this.canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.canvas.addEventListener("pointermove", (event) => this.#move(event));
    this.canvas.addEventListener("pointerup", (event) => this.#up(event));
    this.canvas.addEventListener("pointercancel", () => { this.drag = null; this.draw(); });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  get span() { return +byId("zoom").value * 1000; }

  async load(lanes = LANES) {
    for (const lane of lanes) this.peaks[lane] = await bytes(`/peaks/${lane}`);
    this.draw();
  }

  // Keeps a time in sight.
  follow(ms, centre = false) {
    if (this.drag) return;
    const before = this.from;
    if (centre || ms < this.from || ms > this.from + this.span) {
      this.from = Math.max(0, Math.min(ms - this.span * (centre ? 0.5 : 0.1), this.duration - this.span));
    }
    if (before !== this.from || this.drawn !== Math.round(ms)) this.draw(ms);
  }

  #x(ms, width) { return ((ms - this.from) / this.span) * width; }
  #ms(x) { return this.from + (x / this.canvas.clientWidth) * this.span; }

  draw(ms = this.players.ms) {
    this.drawn = Math.round(ms);
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = LANES.length * HEIGHT + REGIONS + 18 + (this.spans ? LIPS : 0);
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(document.body);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "11px system-ui, sans-serif";
    const step = [0.5, 1, 2, 5, 10, 30, 60].find((one) => (one * 1000 * width) / this.span > 55) ?? 60;
    pen.fillStyle = colour("soft");
    pen.strokeStyle = colour("line");
    for (let at = Math.ceil(this.from / 1000 / step) * step; at * 1000 < this.from + this.span; at += step) {
      const x = this.#x(at * 1000, width);
      pen.beginPath(); pen.moveTo(x, 14); pen.lineTo(x, height); pen.stroke();
      pen.fillText(`${Math.floor(at / 60)}:${String(+(at % 60).toFixed(1)).padStart(2, "0")}`, x + 2, 11);
    }
    LANES.forEach((lane, number) => this.#wave(pen, lane, 16 + number * HEIGHT, width, colour));
    this.#regions(pen, 18 + LANES.length * HEIGHT, width, colour);
    if (this.spans) this.#lips(pen, 18 + LANES.length * HEIGHT + REGIONS, width, colour);
    const head = this.#x(ms, width);
    pen.strokeStyle = colour("fail");
    pen.lineWidth = 2;
    pen.beginPath(); pen.moveTo(head, 0); pen.lineTo(head, height); pen.stroke();
    pen.lineWidth = 1;
  }

  #wave(pen, lane, top, width, colour) {
    const peaks = this.peaks[lane];
    pen.fillStyle = colour(lane === "dub" ? "wave2" : "wave1");
    const middle = top + HEIGHT / 2;
    if (peaks) {
      for (let x = 0; x < width; x += 1) {
        const first = Math.floor(this.#ms(x) / BIN_MS);
        const last = Math.max(first + 1, Math.floor(this.#ms(x + 1) / BIN_MS));
        let most = 0;
        for (let bin = first; bin < last && bin < peaks.length; bin += 1) most = Math.max(most, peaks[bin] ?? 0);
        const tall = Math.max(0.5, (most / 255) * (HEIGHT - 6));
        pen.fillRect(x, middle - tall / 2, 1, tall);
      }
    }
    this.#name(pen, t(lane), top, colour);
  }

  #name(pen, name, top, colour) {
    pen.fillStyle = colour("card");
    pen.globalAlpha = 0.8;
    pen.fillRect(0, top, pen.measureText(name).width + 7, 13);
    pen.globalAlpha = 1;
    pen.fillStyle = colour("soft");
    pen.fillText(name, 3, top + 10);
  }

  // Under the lines: what of the picture was drawn, what rests, and what was left as it is for a reason.
  #lips(pen, top, width, colour) {
    for (const [begin, end, what] of this.spans) {
      if (end < this.from || begin > this.from + this.span) continue;
      const [left, right] = [this.#x(begin, width), this.#x(end, width)];
      pen.fillStyle = colour(lipColour(what));
      pen.fillRect(left, top, Math.max(1, right - left), LIPS - 4);
    }
    this.#name(pen, t("lips"), top, colour);
  }

  // What the lip sync did; null where that is not known.
  show(spans) { this.spans = spans; this.draw(); }

  #regions(pen, top, width, colour) {
    for (const line of this.lines()) {
      const { start_ms, end_ms } = this.drag?.line === line ? this.drag : line;
      if (end_ms < this.from || start_ms > this.from + this.span) continue;
      const [left, right] = [this.#x(start_ms, width), this.#x(end_ms, width)];
      const gate = line.pending ? "accent" : line.gate || "none";
      pen.globalAlpha = 0.28;
      pen.fillStyle = colour(gate);
      pen.fillRect(left, top, right - left, REGIONS - 4);
      pen.globalAlpha = 1;
      pen.strokeStyle = colour(gate);
      pen.lineWidth = line.key === this.chosen() ? 3 : 1;
      pen.strokeRect(left + 0.5, top + 0.5, Math.max(1, right - left - 1), REGIONS - 5);
      pen.lineWidth = 1;
      pen.fillStyle = colour("ink");
      if (right - left > 14) pen.fillText(String(line.id), left + 5, top + 19, right - left - 8);
    }
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const ms = this.#ms(x);
    if (y < 18 + LANES.length * HEIGHT) return { ms, line: null };
    const slack = (EDGE_PX / this.canvas.clientWidth) * this.span;
    const near = this.lines().filter((line) => ms >= line.start_ms - slack && ms <= line.end_ms + slack);
    const line = near.find((one) => one.key === this.chosen()) ?? near[0] ?? null;
    let part = "all";
    if (line && Math.abs(ms - line.start_ms) < slack) part = "start";
    else if (line && Math.abs(ms - line.end_ms) < slack) part = "end";
    return { ms, line, part };
  }

  #down(event) {
    const { ms, line, part } = this.#at(event);
    if (!line) { this.players.seek(ms); this.scrub = true; }
    else {
      this.choose(line.key);
      this.drag = line.lock ? null : { line, part, ms, start_ms: line.start_ms, end_ms: line.end_ms, moved: false };
    }
    this.canvas.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const { ms, line, part } = this.#at(event);
    if (this.scrub) { this.players.seek(ms); return; }
    if (!this.drag) {
      this.canvas.style.cursor = !line ? "pointer" : part === "all" ? "grab" : "ew-resize";
      return;
    }
    const by = Math.round((ms - this.drag.ms) / 10) * 10;
    const { line: own } = this.drag;
    const length = own.end_ms - own.start_ms;
    let [start, end] = [own.start_ms, own.end_ms];
    if (this.drag.part === "start") start = Math.max(0, Math.min(start + by, end - SHORTEST_MS));
    else if (this.drag.part === "end") end = Math.min(this.duration, Math.max(end + by, start + SHORTEST_MS));
    else { start = Math.max(0, Math.min(start + by, this.duration - length)); end = start + length; }
    Object.assign(this.drag, { start_ms: start, end_ms: end, moved: start !== own.start_ms || end !== own.end_ms });
    this.draw();
  }

  #up() {
    const { drag } = this;
    this.drag = null;
    this.scrub = false;
    if (drag?.moved) this.moved(drag.line, drag.start_ms, drag.end_ms);
    this.draw();
  }
}
