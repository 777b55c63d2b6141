// Making elements. Text becomes text nodes and attributes are set one by one: nothing that a store
// holds is ever read as markup, because nothing here reads markup at all.
"use strict";
globalThis.xvc = { pages: {} };

(() => {
  const SVG = "http://www.w3.org/2000/svg";

  const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

  /** Write what would turn the direction of writing, or is not seen, as an escape that is. */
  function visible(text) {
    return String(text).replace(UNSEEN, (sign) => `\\x${sign.codePointAt(0).toString(16).padStart(2, "0")}`);
  }

  /** Make an element: h("a", {class: "x", href: "#", onclick: f}, "text", child, [more]). */
  function h(tag, facts, ...parts) {
    return filled(document.createElement(tag), facts, parts);
  }

  /** Make an element of SVG. */
  function svg(tag, facts, ...parts) {
    return filled(document.createElementNS(SVG, tag), facts, parts);
  }

  function filled(made, facts, parts) {
    for (const [name, value] of Object.entries(facts ?? {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "style") Object.assign(made.style, value);
      else if (name in PROPERTIES) made[name] = value;
      else made.setAttribute(name, value === true ? "" : READ.has(name) ? visible(value) : String(value));
    }
    put(made, ...parts);
    return made;
  }

  const READ = new Set(["title", "aria-label", "placeholder"]);
  const PROPERTIES = { value: 1, checked: 1, disabled: 1, indeterminate: 1, selected: 1 };

  /** Append parts: elements, text, lists of them; null and false are nothing. */
  function put(place, ...parts) {
    for (const part of parts.flat(9)) {
      if (part === null || part === undefined || part === false) continue;
      place.append(part instanceof Node ? part : document.createTextNode(visible(part)));
    }
    return place;
  }

  /** Put parts in the place of all that is there. */
  function swap(place, ...parts) {
    place.replaceChildren();
    return put(place, ...parts);
  }

  /** Say something for a moment at the lower edge; longer where it is bad, or can be taken back. */
  function say(words, kind) {
    const note = h("div", { class: `note ${kind ?? ""}` }, words);
    const all = document.getElementById("notes");
    if (kind === "undoable") for (const old of all.querySelectorAll(".undoable")) old.remove(); // it is behind this one now
    all.append(note);
    const leave = () => (note.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : note.remove());
    setTimeout(leave, { bad: 9000, undoable: 12000 }[kind] ?? 3500);
    return note;
  }

  /** Copy text, and say so. */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const box = h("textarea", { class: "offscreen" });
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
    say("Copied");
  }

  /** A button with words. */
  function button(words, onclick, facts) {
    return h("button", { type: "button", onclick, ...facts }, words);
  }

  /** A command with a button that copies it. */
  function command(words) {
    return h("div", { class: "command" }, h("code", {}, words),
      button("Copy", () => copy(words), { class: "quiet", "aria-label": `Copy ${words}` }));
  }

  /** Offer text as a file. */
  function save(name, content, kind) {
    const address = content.startsWith?.("data:") ? content
      : URL.createObjectURL(new Blob([content], { type: kind }));
    h("a", { href: address, download: name }).click();
  }

  /** Call f when calls have stopped coming for so many milliseconds. */
  function calm(f, wait) {
    let timer = 0;
    return (...words) => {
      clearTimeout(timer);
      timer = setTimeout(() => f(...words), wait);
    };
  }

  /** An empty place that says what to do. */
  function empty(title, words, ...more) {
    return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, words), more);
  }

  /** A dialog; resolves to what its buttons give, null when it is closed. */
  function dialog(title, body, buttons) {
    return new Promise((done) => {
      const close = (value) => { box.remove(); done(value); };
      const foot = buttons.map(([words, give, kind]) =>
        button(words, () => close(give()), { class: kind ?? "" }));
      const box = h("dialog", { class: "dialog", onclose: () => close(null) },
        h("h2", {}, title), body, h("div", { class: "foot" }, button("Cancel", () => close(null)), foot));
      document.body.append(box);
      box.showModal();
      box.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target.tagName === "INPUT" && buttons.length) {
          event.preventDefault();
          close(buttons[0][1]());
        }
      });
    });
  }

  Object.assign(xvc, { visible, h, svg, put, swap, say, copy, button, command, save, calm, empty, dialog });
})();
