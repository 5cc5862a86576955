// Keys of the page. A field that is typed in keeps its own, and all of them can be turned off.

import { byId } from "./dom.js";

const KEYS = {
  " ": "space", j: "back", k: "pause", l: "forward", ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left",
  ArrowRight: "right", Enter: "edit", b: "swap", o: "loop", s: "split", m: "merge", i: "insert", "[": "begins",
  "]": "ends", a: "approve", x: "reject", n: "note", u: "undo", h: "history", r: "record", "/": "find", "?": "help",
};
const WITH_ALT = new Set(["left", "right"]);

const isTyped = (target) =>
  target.closest("textarea, select, [contenteditable]") ||
  (target.closest("input") && !["checkbox", "range"].includes(target.type));

// Enter and the space bar do what they do on a button or a link.
const isOwn = (target, key) =>
  (["Enter", " "].includes(key) && target.closest("button, a, summary, input, video")) ||
  (key.startsWith("Arrow") && target.closest("input[type=range]"));

export const listen = (does) => {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (document.querySelector("dialog[open]")) return;
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      target.blur?.();
      does.make(event);
      return;
    }
    if (key === "Escape" && isTyped(target)) { target.blur(); return; }
    const name = KEYS[key.length === 1 ? key.toLowerCase() : key];
    if (!name || event.ctrlKey || event.metaKey || (event.altKey && !WITH_ALT.has(name))) return;
    if (isTyped(target) || isOwn(target, key) || !byId("shortcuts").checked) return;
    event.preventDefault();
    does[name](event);
  });
};
