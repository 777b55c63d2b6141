// One run: what it was made of, how it went, what it left; its output while it runs.
"use strict";
(() => {
  const { h, put, swap, button, value, number, duration, size, moment } = xvc;

  class Run {
    constructor(place, words) {
      this.place = place;
      this.id = words.id ?? "@";
      this.charts = [];
      this.figures = new Map();
      this.keys = [
        ["Escape", "back to the runs", () => { location.hash = "#/runs"; }],
        ["y", "copy the command that shows it", () => xvc.copy(`xvc show ${this.run?.id ?? this.id}`)],
        ["u", "its curves", () => { location.hash = xvc.link("curves", { runs: this.run.id }); }],
        ["l", "its output", () => this.output?.scrollIntoView({ behavior: "smooth" })],
      ];
      this.live = xvc.follow(this, ["runs", "refs", "logs", "usage"], (what) => this.refresh(what));
      this.ready = this.begin();
    }

    async begin() {
      this.run = await xvc.ask("run", { id: this.id });
      if (this.gone) return;
      this.lay();
      await Promise.all([this.draw(), this.listen()]);
    }

    lay() {
      const run = this.run;
      document.title = xvc.visible(`${run.name ?? run.id} · ${xvc.about.project}`);
      this.head = h("div", { class: "run-head" });
      this.sides = h("div", { class: "cards" });
      this.pictures = h("div", { class: "pictures" });
      this.used = h("section", {});
      this.output = h("section", { class: "card output" });
      this.code = h("section", { class: "card" });
      this.kept = h("section", { class: "card" });
      swap(this.place, h("div", { class: "page" }, this.head, this.sides, this.family = h("div", {}), this.pictures, this.used, this.kept, this.output, this.code));
      this.fill();
      this.showFamily();
      this.showUsage();
      this.showCode();
      this.showKept();
    }

    fill() {
      const run = this.run;
      swap(this.head,
        h("h1", {}, run.name ? xvc.visible(run.name) : h("code", {}, run.id), run.version && h("span", { class: "version" }, run.version), xvc.status(run.status)),
        h("p", { class: "sub" }, [run.name && h("code", {}, run.id), run.started && `${moment(run.started)}, ${xvc.ago(run.started)}`,
          run.seconds !== null && `took ${duration(run.seconds)}`, ending(run)].filter(Boolean).map((each) => h("span", {}, each))),
        run.decision && h("p", { class: `decision ${run.decision.split(":")[0]}` }, run.decision),
        (run.idea || run.labels?.length > 0) && h("p", { class: "sub" }, run.idea && h("span", {}, `tries: ${run.idea}`), (run.labels ?? []).map((each) => h("span", { class: "tagword" }, each))),
        this.noted(),
        run.command && xvc.command(run.command.map(xvc.quoted).join(" ")),
        run.warnings.map((words) => h("p", { class: "warning" }, xvc.visible(words))));
      const usage = run.usage ?? {};
      swap(this.sides,
        card("Metrics", table(Object.entries(run.metrics ?? {}), (key, given) => [
          run.directions[key] && h("span", { class: "direction", title: `${run.directions[key]} is better` }, run.directions[key] === "max" ? "↑" : "↓"),
          number(value(given))])),
        card("Params", table(Object.entries(run.params ?? {}), (key, given) => xvc.visible(number(value(given))))),
        card("Code", facts([
          ["commit", run.code?.commit && h("code", {}, run.code.commit.slice(0, 10))],
          ["snapshot", run.code?.snapshot && h("code", {}, run.code.snapshot.slice(0, 10))],
          ["branch", run.code?.branch && xvc.visible(run.code.branch)], ["work tree", run.code?.worktree && xvc.visible(run.code.worktree)],
          ["uncommitted", run.code?.snapshot && (run.code.is_dirty ? "yes, see below" : "no")],
          ["incomplete", run.code?.incomplete?.map(xvc.visible).join(", ")], ["left out", run.code?.left_out?.map(xvc.visible).join(", ")],
          ["parent", run.parent && h("a", { href: xvc.link("run", { id: run.parent }) }, h("code", {}, run.parent))]])),
        card("Machine", facts([["host", run.host && xvc.visible(run.host)], ["folder", run.folder && xvc.visible(run.folder)], ["CPU", usage.cpu_seconds !== undefined && duration(usage.cpu_seconds)],
          ["peak memory", usage.peak_memory > 0 && size(usage.peak_memory)], ["read", usage.read_bytes > 0 && size(usage.read_bytes)],
          ["written", usage.written_bytes > 0 && size(usage.written_bytes)], ["GPU memory", usage.gpu_memory > 0 && size(usage.gpu_memory)],
          ["python", run.environment?.python && xvc.visible(run.environment.python)], ["platform", run.environment?.platform && xvc.visible(run.environment.platform)]])),
        card("Data", files(run.data)), card("Outputs", files(run.outs)),
        run.environment?.packages && card(`Packages`, h("details", {}, h("summary", {}, xvc.counted(Object.keys(run.environment.packages).length, "package")),
          table(Object.entries(run.environment.packages), (_, given) => xvc.visible(String(given))))),
        card("Commands", [`xvc show ${run.id}`, run.command && `xvc rerun ${run.id}`, `xvc checkout ${run.id}`, `xvc validate ${run.id}`,
          ...Object.keys(run.outs ?? {}).slice(0, 3).map((path) => `xvc get ${run.id} ${xvc.quoted(path)}`)].filter(Boolean).map(xvc.command),
          !run.version && !xvc.about.readOnly && !xvc.isFrozen && run.status !== "running" && button("Give it a version…", () => xvc.tagDialog(run.id))));
    }

    /** The note, edited where it stands. */
    noted() {
      const mayChange = !xvc.about.readOnly && !xvc.isFrozen;
      if (this.writing) return this.writing;
      const start = () => {
        const text = h("textarea", { class: "note-text", rows: 3, "aria-label": "Note" });
        text.value = this.run.note ?? "";
        const end = () => { this.writing = null; this.fill(); };
        this.writing = h("div", { class: "note-box" }, text, h("div", {}, button("Save", async () => {
          if (await xvc.changed("note", { runs: this.run.id, note: text.value.trim() }, "Noted")) {
            this.run.note = text.value.trim() || undefined;
            end();
          }
        }, { class: "main" }), button("Cancel", end, { class: "quiet" })));
        this.fill();
        text.focus();
      };
      return h("p", { class: "run-note" }, this.run.note, " ", mayChange && button(this.run.note ? "Edit" : "Add a note", start, { class: "quiet tiny" }));
    }

    async draw() {
      const keys = this.run.curves.slice(0, 24);
      const found = keys.length ? (await xvc.ask("curves", { runs: this.run.id, keys: keys.join("\n"), intervals: 500 })).drawn : [];
      if (this.gone) return;
      const isParam = (key) => key in (this.run.params ?? {}) && !(key in (this.run.metrics ?? {}));
      const drawn = found.filter((each) => each.key !== each.x && !isParam(each.key) && each.curves[0]?.x.length > 1);
      if (drawn.map((each) => each.key).join("\n") !== this.drawn) {
        for (const chart of this.charts) chart.leave();
        this.charts = drawn.map((each) => new xvc.LineChart({ title: xvc.visible(each.key), xName: each.x, group: "run", height: 190,
          onSpan: (low, high) => this.zoom(each.key, low, high) }));
        this.drawn = drawn.map((each) => each.key).join("\n");
        swap(this.pictures, this.charts.map((chart) => chart.place));
      }
      drawn.forEach((each, place) => {
        const [curve] = each.curves;
        this.charts[place].show([{ label: xvc.visible(each.key), x: curve.x, y: curve.y }], { xName: each.x });
      });
    }

    async zoom(key, low, high) {
      const place = this.drawn.split("\n").indexOf(key);
      const found = await xvc.ask("curves", { runs: this.run.id, key, intervals: 500, low, high }).catch(() => null);
      const curve = found?.curves[0];
      if (this.gone || !curve?.x.length) return;
      this.charts[place]?.show([{ label: xvc.visible(key), x: curve.x, y: curve.y }]);
    }

    async listen() {
      const found = await xvc.ask("log", { id: this.run.id }).catch(() => null);
      if (this.gone) return;
      if (!found?.size) {
        return swap(this.output, h("h2", {}, "Output"), h("p", { class: "dim" }, "No output is kept of this run; `xvc run` keeps it."));
      }
      this.log = new xvc.Log();
      this.read = found.to;
      swap(this.output, h("h2", {}, "Output"), found.from > 0 && h("p", { class: "dim" }, `The last ${size(found.to - found.from)} of ${size(found.size)}`), this.log.place);
      this.log.add(found.text);
      this.log.place.scrollTop = this.log.place.scrollHeight;
    }

    async follow() {
      if (!this.log) return this.listen();
      const found = await xvc.ask("log", { id: this.run.id, from: this.read }).catch(() => null);
      if (this.gone || !found || found.to <= this.read) return;
      const pre = this.log.place;
      const isAtEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
      this.read = found.to;
      this.log.add(found.text);
      if (isAtEnd) pre.scrollTop = pre.scrollHeight;
    }

    /** Pictures, sound, tables and text that the run kept. */
    async showKept() {
      const found = await xvc.ask("kept", { id: this.run.id }).catch(() => null);
      if (this.gone) return;
      if (!found?.kept.length) return this.kept.remove();
      swap(this.kept, h("h2", {}, "Kept"), h("div", { class: "kept" }, found.kept.map(thing)),
        found.total > found.kept.length && h("p", { class: "dim" }, `and ${found.total - found.kept.length} more`));
    }

    /** What the run came from, and what came of it. */
    async showFamily() {
      const found = await xvc.ask("lineage", { id: this.run.id }).catch(() => null);
      if (this.gone || !found?.known) return;
      const files = (words, held, way) => Object.entries(held).map(([path, runs]) => [`${words} ${xvc.visible(path)}`, [way, related(runs)]]);
      const rows = [["parents, the nearest first", related(found.parents)], ["fixes", related(found.fixes)],
        ...files("read", found.madeBy, "made by "),
        ["children", related(found.children)], ["fixed by", related(found.fixedBy)],
        ...files("left", found.usedBy, "read by ")].filter(([, runs]) => runs);
      if (rows.length) swap(this.family, h("section", { class: "card lineage" }, h("h2", {}, "Lineage"), facts(rows)));
    }

    /** What the machine did for it, over time: only figures that move, or could have. */
    async showUsage() {
      this.usedAt = performance.now();
      const found = await xvc.ask("usage", { id: this.run.id }).catch(() => null);
      if (this.gone || !found || found.seconds.length < 2) return;
      const drawn = FIGURES.filter(([name]) => found.figures[name]?.some((given) => given > 0));
      if (drawn.some(([name]) => !this.figures.has(name))) {
        for (const chart of this.figures.values()) chart.leave();
        this.figures = new Map(drawn.map(([name]) => [name, new xvc.LineChart({ xName: "seconds since it began", group: "usage", height: 150 })]));
        swap(this.used, h("h2", {}, "Machine over time"), h("div", { class: "pictures" }, [...this.figures.values()].map((chart) => chart.place)));
      }
      for (const [name, title, isBytes] of drawn) {
        const held = found.figures[name], places = held.map((_, at) => at).filter((at) => held[at] !== null);
        const [unit, by] = isBytes ? unitOf(Math.max(...places.map((at) => held[at]))) : ["", 1];
        const whole = isBytes ? `${title}, ${unit}${name.endsWith("_rate") ? "/s" : ""}` : title;
        this.figures.get(name).entitle(whole);
        this.figures.get(name).show([{ label: whole, x: places.map((at) => found.seconds[at]), y: places.map((at) => held[at] / by) }], { low: 0 });
      }
    }

    async showCode() {
      if (!this.run.code?.is_dirty) return this.code.remove();
      const found = await xvc.ask("patch", { id: this.run.id }).catch((err) => ({ error: err }));
      if (this.gone) return;
      swap(this.code, h("h2", {}, "Uncommitted code"), found.error ? h("p", { class: "dim" }, found.error.message) : xvc.patch(found.patch));
    }

    async refresh(what) {
      if (!this.run) return;
      if (what.has("runs") || what.has("refs")) {
        const was = JSON.stringify(this.run), before = this.run.status;
        this.run = await xvc.ask("run", { id: this.run.id });
        if (this.gone) return;
        if (JSON.stringify(this.run) !== was) {
          this.fill();
          await this.draw();
        }
        if (this.run.status !== before) what.add("usage");
      }
      const isDue = performance.now() - this.usedAt > OFTEN || this.run.status !== "running";
      if (what.has("usage") && isDue) await this.showUsage();
      if (what.has("logs") || this.run.status !== "running") await this.follow();
    }

    leave() {
      this.gone = true;
      for (const chart of [...this.charts, ...this.figures.values()]) chart.leave();
    }
  }

  const MANY = 40; // rows of a card from which on it scrolls by itself
  const OFTEN = 1900; // milliseconds between two looks at what a run uses
  const FIGURES = [["cpu_percent", "CPU, % of one core"], ["memory", "memory", true], ["gpu_percent", "GPU, %"], ["gpu_memory", "GPU memory", true],
    ["read_rate", "read", true], ["write_rate", "written", true]];

  /** The unit that a number of bytes is best said in, and how many bytes it has. */
  function unitOf(most) {
    for (const [unit, by] of [["GB", 2 ** 30], ["MB", 2 ** 20], ["KB", 2 ** 10]]) if (most >= by) return [unit, by];
    return ["B", 1];
  }

  /** Links to some runs, and how many more there are; nothing for none. */
  function related({ runs, total }) {
    if (!total) return null;
    return [runs.map((each, place) => [place > 0 && ", ", h("a", { href: xvc.link("run", { id: each.id }) },
      each.version ?? (each.name ? xvc.visible(each.name) : h("code", {}, each.id)))]), total > runs.length && ` and ${total - runs.length} more`];
  }

  function ending(run) {
    if (run.signal) return `ended by ${xvc.visible(run.signal)}`;
    const words = [run.exit_code ? `exit code ${run.exit_code}` : "", run.reason ? xvc.visible(run.reason) : ""].filter(Boolean);
    return words.length > 0 && words.join(", ");
  }

  function card(title, ...body) {
    const held = body.flat().filter(Boolean);
    return held.length > 0 && h("section", { class: "card" }, h("h2", {}, title), held);
  }

  function table(pairs, shown) {
    if (!pairs.length) return null;
    const whole = h("table", { class: "facts" }, pairs.sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }))
      .map(([key, given]) => h("tr", {}, h("th", {}, xvc.visible(key)), h("td", {}, given === null ? h("span", { class: "dim" }, "–") : shown(key, given)))));
    return pairs.length > MANY ? h("div", { class: "scroll tall", tabindex: 0 }, whole) : whole;
  }

  function facts(pairs) {
    const known = pairs.filter(([, given]) => given !== undefined && given !== null && given !== false && given !== "");
    return known.length ? h("table", { class: "facts" }, known.map(([key, given]) => h("tr", {}, h("th", {}, key), h("td", {}, given)))) : null;
  }

  /** One thing that was kept, as what it is. */
  function thing(each) {
    const name = xvc.visible(each.name || each.digest.slice(0, 10));
    const shown = {
      image: () => h("img", { src: each.content, alt: name, loading: "lazy" }),
      audio: () => h("audio", { src: each.content, controls: true }),
      text: () => h("pre", { class: "log" }, xvc.visible(each.content), each.cut && "\n…"),
      table: () => h("div", { class: "scroll" }, h("table", { class: "plain" }, each.content.map((row, at) =>
        h("tr", {}, row.map((cell) => h(at ? "td" : "th", {}, xvc.visible(cell))))))),
    }[each.view];
    return h("figure", { class: each.view === "image" ? "" : "wide" }, shown?.(),
      h("figcaption", {}, name, h("small", {}, ` ${each.kind}, ${size(each.size)}`), !shown && xvc.command(`xvc assets export ${each.digest.slice(0, 12)} ${xvc.quoted(name)}`)));
  }

  function files(held) {
    return table(Object.entries(held ?? {}), (_, file) => [file.state && h("span", { class: "tagword" }, xvc.visible(file.state)), " ",
      h("code", {}, xvc.visible((file.digest ?? "").slice(0, 10))), " ", size(file.size)]);
  }

  /** Ask for a version, and give it to a run. */
  async function tagDialog(run) {
    const bump = h("select", {}, ["patch", "minor", "major"].map((each) => h("option", { value: each }, each)));
    const message = h("input", { type: "text", placeholder: "A line about it (may stay empty)" });
    const wanted = await xvc.dialog(`Give ${run} a version`, h("div", { class: "form" }, h("label", {}, "The next ", bump), message,
      h("p", { class: "dim" }, "A version is a git tag. It stays: no Undo takes it back.")),
      [["Tag", () => ({ version: bump.value, message: message.value }), "main"]]);
    if (!wanted) return;
    try {
      const made = await xvc.change("tag", { run, ...wanted });
      xvc.say(`${run} is ${made.version}`);
    } catch (err) {
      xvc.say(`${err.message}. ${err.hint ?? ""}`, "bad");
    }
  }

  /** Make a change, say so with a way back, and tell whether it was made. */
  async function changed(name, words, said) {
    try {
      const made = await xvc.change(name, words);
      sayUndoable(said, made.operation);
    } catch (err) {
      xvc.say(`${err.message}. ${err.hint ?? ""}`, "bad");
      return false;
    }
    return true;
  }

  /** Say what was done, with the way back where an operation is given: back from that and no other. */
  function sayUndoable(said, operation) {
    if (!operation) return xvc.say(said);
    const note = xvc.say([said, " ", button("Undo", async () => {
      note.remove();
      try {
        const back = await xvc.change("undo", { operation });
        xvc.say(`Took back: ${back.what}`);
      } catch (err) {
        xvc.say(`${err.message}. ${err.hint ?? ""}`, "bad");
      }
    }, { class: "undo" })], "undoable");
    return note;
  }

  async function noteDialog(runs) {
    const text = h("input", { type: "text", placeholder: "A line about it; empty takes the last one back" });
    const note = await xvc.dialog(`Note on ${xvc.counted(runs.length, "run")}`, h("div", { class: "form" }, text), [["Note", () => text.value.trim(), "main"]]);
    if (note !== null) await changed("note", { runs: runs.join(","), note }, "Noted");
  }

  /** Keep runs, or discard them for a reason. */
  async function decide(what, runs) {
    let reason = "";
    if (what === "discard") {
      const text = h("input", { type: "text", placeholder: "Why, for whoever comes next" });
      reason = await xvc.dialog(`Discard ${xvc.counted(runs.length, "run")}`,
        h("div", { class: "form" }, h("p", { class: "dim" }, "They stay recorded; no list or ranking has them."), text), [["Discard", () => text.value.trim(), "main"]]);
      if (reason === null) return;
    }
    await changed(what, { runs: runs.join(","), reason }, what === "keep" ? "Kept" : "Discarded");
  }

  Object.assign(xvc, { changed, sayUndoable, noteDialog, decide, tagDialog, card, factTable: facts, keyTable: table });
  xvc.pages.run = { title: (words) => words.id ?? "Run", tab: "runs", show: (place, words) => new Run(place, words) };
})();
