// A text that is asked for in a dialog; null where nobody gave one.

import { byId, h, t } from "./dom.js";

export const ask = (title, { needed = true } = {}) =>
  new Promise((answered) => {
    const dialog = byId("asking");
    const area = h("textarea", { rows: "3", dir: "auto", maxlength: "20000", "aria-labelledby": "asking-title" });
    const close = (text) => { dialog.oncancel = null; dialog.close(); answered(text); };
    const give = () => { const text = area.value.trim(); if (text || !needed) close(text); };
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); give(); }
    });
    dialog.oncancel = (event) => { event.preventDefault(); close(null); };
    dialog.replaceChildren(
      h("h2", { id: "asking-title" }, title), area,
      h("div", { class: "buttons" },
        h("button", { type: "button", onclick: give }, t("save")),
        h("button", { type: "button", class: "quiet", onclick: () => close(null) }, t("cancel"))),
    );
    dialog.showModal();
    area.focus();
  });
