// Output of programs with its colours, and patches: text in elements, nothing obeyed.
"use strict";
(() => {
  const { h, visible } = xvc;
  // Everything a terminal would obey: sequences that set colours are read, all others are dropped.
  const SEQUENCE = /\u001b\[([0-9;:]*)m|\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
  const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

  /** A log whose text comes in pieces; a line that a carriage return wrote anew shows its last. */
  class Log {
    constructor() {
      this.place = h("pre", { class: "log" });
      this.style = {};
      this.rest = "";
    }

    add(text) {
      const whole = this.rest + text;
      const cut = whole.lastIndexOf("\u001b");
      const isOpen = cut >= 0 && whole.length - cut < 32 && !/[@-~]$/.test(whole.slice(cut + 2));
      this.rest = isOpen ? whole.slice(cut) : "";
      const lines = (isOpen ? whole.slice(0, cut) : whole).replaceAll("\r\n", "\n").split("\n");
      const last = lines.map((line) => line.slice(line.replace(/\r+$/, "").lastIndexOf("\r") + 1));
      this.write(last.join("\n"));
    }

    write(text) {
      let at = 0;
      for (const found of text.matchAll(SEQUENCE)) {
        this.span(text.slice(at, found.index));
        at = found.index + found[0].length;
        if (found[1] !== undefined) this.turn(found[1]);
      }
      this.span(text.slice(at));
    }

    span(text) {
      if (!text) return;
      const classes = [this.style.colour && `ansi-${this.style.colour}`, this.style.bold && "ansi-bold",
        this.style.dim && "ansi-dim", this.style.underline && "ansi-underline"].filter(Boolean);
      const shown = visible(text);
      this.place.append(classes.length ? h("span", { class: classes.join(" ") }, shown)
        : document.createTextNode(shown));
    }

    turn(codes) {
      const numbers = codes.split(/[;:]/).map(Number);
      for (let place = 0; place < numbers.length; place += 1) {
        const code = numbers[place];
        if (code === 38 || code === 48) place += numbers[place + 1] === 5 ? 2 : 4;
        else this.set(code);
      }
    }

    set(code) {
      if (!code) this.style = {};
      else if (code === 1) this.style.bold = true;
      else if (code === 2) this.style.dim = true;
      else if (code === 4) this.style.underline = true;
      else if (code === 22) this.style.bold = this.style.dim = false;
      else if (code === 24) this.style.underline = false;
      else if (code === 39) delete this.style.colour;
      else if (code >= 30 && code <= 37) this.style.colour = NAMES[code - 30];
      else if (code >= 90 && code <= 97) this.style.colour = NAMES[code - 90];
    }
  }

  /** Show a unified diff. */
  function patch(text) {
    const place = h("div", { class: "patch" });
    let box = null;
    for (const line of text.split("\n")) {
      if (line.startsWith("diff --git ") || !box) {
        box = h("div", { class: "patch-file" });
        place.append(box);
      }
      const first = line[0];
      const isHead = /^(diff |index |--- |\+\+\+ |new file|deleted file|similarity|rename|old mode|new mode)/.test(line);
      const kind = isHead ? "head" : first === "+" ? "plus" : first === "-" ? "minus" : first === "@" ? "at" : "";
      box.append(h("div", { class: `patch-line ${kind}` }, visible(line) || " "));
    }
    return place;
  }

  Object.assign(xvc, { Log, patch });
})();
