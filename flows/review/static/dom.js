// Elements whose contents are text, never markup.

const words = JSON.parse(document.getElementById("words").textContent);

export const t = (key, facts = {}) =>
  (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));

export const byId = (id) => document.getElementById(id);

export const h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (name === "checked") element.checked = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
};

export const clock = (ms) => {
  const tenths = Math.round(ms / 100);
  const seconds = (tenths % 600) / 10;
  const minutes = Math.floor(tenths / 600) % 60;
  const hours = Math.floor(tenths / 36000);
  return `${hours ? `${hours}:${String(minutes).padStart(2, "0")}` : minutes}:${seconds.toFixed(1).padStart(4, "0")}`;
};

// Milliseconds of 12.5, 1:02.5 or 1:02:03.500; null for anything else.
export const parsedClock = (text) => {
  const found = /^(?:(?:(\d{1,3}):)?(\d{1,2}):)?(\d{1,6}(?:[.,]\d{1,3})?)$/.exec(text.trim());
  if (!found) return null;
  const [, hours, minutes, seconds] = found;
  return Math.round(((+(hours ?? 0) * 60 + +(minutes ?? 0)) * 60 + parseFloat(seconds.replace(",", "."))) * 1000);
};
