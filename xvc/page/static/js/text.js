// Output of programs with its colours, and patches: text in elements, nothing obeyed.
"use strict";
(() => {
  const { h, visible } = xvc;
  // Everything a terminal would obey: sequences that set colours are read, all others are dropped.
  const SEQUENCE = /\u001b\[([0-9;:]*)m|\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
  const COLOURS = /\u001b\[[0-9;:]*m/g;
  const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

  const MOST = 500_000; // letters that are shown: a page may be left open for days
  const LONGEST = 20_000; // letters of a line that is not at its end

  /** A log whose text comes in pieces; a line that a carriage return wrote anew shows its last. */
  class Log {
    constructor() {
      this.place = h("pre", { class: "log" });
      this.style = {};
      this.open = ""; // the line that is not at its end
      this.last = h("span", {}); // where that is shown
      this.letters = 0;
    }

    add(text) {
      const whole = (this.open + text).replaceAll("\r\n", "\n");
      const end = whole.lastIndexOf("\n") + 1;
      this.last.remove();
      this.into = this.place;
      this.write(whole.slice(0, end).split("\n").map((line) => this.anew(line)).join("\n"));
      this.open = this.anew(whole.slice(end));
      if (this.open.length > LONGEST) {
        this.write(this.open);
        this.open = "";
      }
      const before = { ...this.style };
      this.into = this.last = h("span", {});
      const cut = this.open.lastIndexOf("\u001b");
      const isOpen = cut >= 0 && this.open.length - cut < 32 && !/[@-~]$/.test(this.open.slice(cut + 2));
      this.write(isOpen ? this.open.slice(0, cut) : this.open);
      this.style = before;
      this.place.append(this.last);
      this.forget();
    }

    /** What is left of a line when its carriage returns have been obeyed, with the colours set before. */
    anew(line) {
      const ended = line.length - (/\r+$/.exec(line)?.[0].length ?? 0);
      const from = line.lastIndexOf("\r", ended - 1) + 1;
      return (line.slice(0, from).match(COLOURS) ?? []).join("") + line.slice(from);
    }

    /** Let go of the oldest text where there is much. */
    forget() {
      if (this.letters <= MOST) return;
      while (this.letters > MOST * 0.8 && this.place.firstChild !== this.last) {
        this.letters -= this.place.firstChild.textContent.length;
        this.place.firstChild.remove();
      }
      this.place.prepend("…\n");
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
      if (this.into === this.place) this.letters += shown.length;
      this.into.append(classes.length ? h("span", { class: classes.join(" ") }, shown)
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
