// What the lip sync did to the picture: edited, at rest, or left as it is and why. Colours for the lane, words for a line.

import { t } from "./dom.js";

const RESTS = new Set(["at_rest", "not_speaking", "imperceptible", "no_face", "off_screen"]);

export const lipColour = (what) => (what === "edited" ? "wave2" : RESTS.has(what) ? "line" : "warn");

export const lipWords = (what) => {
  const words = t(`lips_${what}`);
  return words === `lips_${what}` ? what.replaceAll("_", " ") : words;
};

// How much of a line's time is what, the most first.
export const lipsOf = (line, spans) => {
  const shares = new Map();
  for (const [begin, end, what] of spans) {
    const both = Math.min(end, line.end_ms) - Math.max(begin, line.start_ms);
    if (both > 0) shares.set(what, (shares.get(what) ?? 0) + both);
  }
  return [...shares].sort((a, b) => b[1] - a[1]).map(([what, ms]) => t("lips_share", { what: lipWords(what), seconds: (ms / 1000).toFixed(1) })).join(", ");
};
