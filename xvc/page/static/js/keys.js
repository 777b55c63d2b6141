// The keyboard: keys of the whole page, keys of what is shown, and the list of them behind `?`.
"use strict";
(() => {
  const { h } = xvc;
  let own = [];

  const ALWAYS = [
    ["?", "this list", () => help()],
    ["g r", "runs", () => { location.hash = "#/runs"; }],
    ["g u", "curves", () => { location.hash = "#/curves"; }],
    ["g s", "sweeps", () => { location.hash = "#/sweeps"; }],
    ["g v", "versions", () => { location.hash = "#/versions"; }],
    ["g m", "models", () => { location.hash = "#/models"; }],
    ["g w", "work trees", () => { location.hash = "#/trees"; }],
    ["t", "dark or light", () => xvc.turnTheme()],
    ["Escape", "back, or close", () => escape()],
  ];

  function escape() {
    if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
    else own.find(([key]) => key === "Escape")?.[2]();
  }

  let before = "";

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    const isWriting = at instanceof HTMLInputElement && at.type !== "checkbox" ||
      at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement;
    if (isWriting && event.key !== "Escape") return;
    if (document.querySelector("dialog[open]")) return; // it has its own keys
    const both = `${before} ${event.key}`;
    before = event.key === "g" ? "g" : "";
    const known = [...own, ...ALWAYS];
    const found = known.find(([key]) => key === both) ?? known.find(([key]) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found[2](event);
  }

  function help() {
    const rows = [...own, ...ALWAYS].map(([key, words]) =>
      h("tr", {}, h("td", {}, key.split(" ").map((part) => h("kbd", {}, part))), h("td", {}, words)));
    const box = h("dialog", { class: "dialog" }, h("h2", {}, "Keys"), h("table", { class: "keys" }, rows),
      h("div", { class: "foot" }, xvc.button("Close", () => box.remove())));
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
  }

  /** Set the keys of what is shown: [[key, words, action]]. */
  function setKeys(keys) {
    own = keys ?? [];
  }

  document.addEventListener("keydown", pressed);
  Object.assign(xvc, { setKeys, keyHelp: help });
})();
