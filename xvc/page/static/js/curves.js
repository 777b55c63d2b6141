// Curves of many runs: one chart a key, one cursor through all; axes, smoothing, bands of groups.
"use strict";
(() => {
  const { h, swap, button } = xvc;
  const FIRST = 4; // charts to begin with
  const LISTED = 40; // names in the legend

  class Curves {
    constructor(place, words) {
      this.words = words;
      this.charts = new Map();
      this.off = new Set();
      this.span = [null, null];
      this.tools = h("div", { class: "tools curve-tools" });
      this.told = h("div", { class: "told" });
      this.pictures = h("div", { class: "pictures broad" });
      this.legend = h("aside", { class: "legend" });
      xvc.put(place, this.tools, this.told,
        h("div", { class: "curve-body" }, h("div", { class: "curve-charts" }, this.pictures), this.legend));
      this.keys = [
        ["Escape", "back to the runs", () => { location.hash = "#/runs"; }],
        ["r", "reset the zoom", () => this.zoom(null, null)],
        ["x", "next axis", () => this.turnAxis()],
        ["L", "logarithmic y", () => this.set("logy", this.words.logy ? "" : "1")],
        ["s", "smoother", () => this.set("smooth", String(Math.min(0.99, (Number(this.words.smooth) || 0) + 0.3)))],
        ["S", "as it is", () => this.set("smooth", "")],
      ];
      this.untheme = xvc.onTheme(() => this.answers && this.list());
      this.live = xvc.follow(this, ["runs"], () => this.refresh(), 500);
      this.ready = this.begin();
    }

    async begin() {
      const { runs, where } = this.words;
      this.found = await xvc.ask("curved", { runs, where, limit: this.words.limit ?? 50 });
      if (this.gone) return;
      this.runs = this.found.runs;
      if (!this.found.keys.length) {
        return swap(this.pictures, xvc.empty("No curves", this.runs.length
          ? "These runs logged no numbers row by row. `Tracker.log` in a loop makes a curve."
          : "There are no runs to draw."));
      }
      this.chosen = this.words.keys ? this.words.keys.split("\n") : this.found.keys.slice(0, FIRST);
      await this.draw();
    }

    /** Remember a choice in the address, and draw by it. */
    set(name, given) {
      this.words[name] = given;
      xvc.remember({ [name]: given });
      if (name === "x") this.span = [null, null];
      return this.draw();
    }

    turnAxis() {
      const axes = this.axes ?? [];
      const next = axes[(axes.indexOf(this.words.x || axes[0]) + 1) % axes.length];
      return this.set("x", next);
    }

    bar() {
      const { words } = this;
      const check = (name, label) => h("label", {}, h("input", { type: "checkbox", checked: Boolean(words[name]),
        onchange: (event) => this.set(name, event.target.checked ? "1" : "") }), label);
      const axis = h("select", { onchange: () => this.set("x", axis.value) },
        (this.axes ?? []).map((each) => h("option", { value: each, selected: each === (words.x || this.axes[0]) }, xvc.visible(each))));
      const by = h("select", { onchange: () => this.set("by", by.value) }, h("option", { value: "" }, "each run"),
        this.found.params.map((each) => h("option", { value: each, selected: each === words.by }, xvc.visible(each))));
      const smooth = h("input", { type: "range", min: 0, max: 0.99, step: 0.01, "aria-label": "Smoothing" });
      smooth.value = words.smooth || 0;
      smooth.addEventListener("input", xvc.calm(() => this.set("smooth", smooth.value === "0" ? "" : smooth.value), 120));
      swap(this.tools, button(`Curves (${this.chosen.length} of ${this.found.keys.length})`, () => this.choose()),
        h("label", {}, "Over ", axis), h("label", {}, "Mean of ", by), h("label", {}, "Smooth ", smooth),
        check("logx", "log x"), check("logy", "log y"), check("clip", "clip outliers"));
      const total = this.found.total;
      swap(this.told, h("span", {}, `${xvc.counted(this.runs.length, "run")}${total > this.runs.length ? `, the newest of ${xvc.thousands(total)}` : ""}`),
        total > this.runs.length && button("More", () => this.more(), { class: "quiet" }),
        this.cut && h("span", {}, this.cut), h("span", { class: "dim" }, "drag to zoom, double-click to reset"));
    }

    async more() {
      this.words.limit = String(Math.min(500, this.runs.length * 4));
      xvc.remember({ limit: this.words.limit });
      await this.begin();
    }

    async draw() {
      this.asked?.abort();
      const mine = this.asked = new AbortController();
      const isMean = Boolean(this.words.by) || Number(this.words.smooth) > 0;
      const ids = this.runs.map((run) => run.id).join(",");
      const words = { runs: ids, x: this.words.x, low: this.span[0], high: this.span[1] };
      const intervals = Math.max(60, Math.min(500, Math.round(15_000 / Math.max(1, this.runs.length))));
      const answers = await Promise.all(this.chosen.map(async (key) => {
        try {
          const raw = await xvc.ask("curves", { ...words, key, intervals }, mine.signal);
          return isMean ? { raw, means: await xvc.ask("curves", { ...words, key, intervals, of: "means" }, mine.signal) } : { raw };
        } catch (err) {
          if (err.name === "AbortError") return null;
          return { error: err, key };
        }
      }));
      if (this.gone || mine !== this.asked || mine.signal.aborted) return;
      this.axes = answers.find((each) => each?.raw)?.raw.axes ?? [];
      this.cut = null;
      this.answers = new Map(this.chosen.map((key, place) => [key, answers[place]]));
      this.put();
      this.bar();
    }

    put() {
      const kept = new Map();
      const places = this.chosen.map((key) => {
        const answer = this.answers.get(key);
        if (answer?.error) return h("div", { class: "chart" }, h("p", { class: "dim" }, `${xvc.visible(key)}: ${answer.error.message}`));
        const chart = this.charts.get(key) ?? new xvc.LineChart({ title: xvc.visible(key), group: "curves", height: 300,
          onSpan: (low, high) => this.zoom(low, high) });
        kept.set(key, chart);
        return chart.place;
      });
      for (const [key, chart] of this.charts) if (!kept.has(key)) chart.leave();
      this.charts = kept;
      if (places.some((place, at) => this.pictures.children[at] !== place) || places.length !== this.pictures.children.length) {
        swap(this.pictures, places);
      }
      for (const [key, chart] of kept) this.fill(key, chart);
      this.list();
      Promise.all([...kept.values()].map((chart) => chart.isDrawn)).then(() => {
        this.pictures.closest(".curve-body")?.setAttribute("data-drawn", "yes");
      });
    }

    fill(key, chart) {
      const { raw, means } = this.answers.get(key);
      const isTime = raw.x === "time";
      const places = new Map(this.runs.map((run, place) => [run.id, place]));
      const names = new Map(this.runs.map((run) => [run.id, label(run)]));
      const line = (curve, more) => ({ label: names.get(curve.run), x: curve.x, y: curve.y, place: places.get(curve.run), ...more });
      const isShown = (curve) => !this.off.has(curve.run) && curve.x.length > 0;
      const smooth = Number(this.words.smooth) || 0;
      let lines;
      if (this.words.by) lines = this.bands(means.curves.filter(isShown), smooth);
      else if (smooth > 0) {
        lines = [...raw.curves.filter(isShown).map((curve) => line(curve, { isFaint: true })),
          ...means.curves.filter(isShown).map((curve) => line({ ...curve, y: smoothed(curve.y, smooth) }))];
      } else lines = raw.curves.filter(isShown).map((curve) => line(curve));
      const leftOut = raw.curves.reduce((sum, curve) => sum + curve.leftOut, 0);
      if (leftOut) this.cut = `${xvc.counted(leftOut, "value")} NaN or infinite, not drawn`;
      const [low, high] = this.words.clip ? bounds(lines) : [];
      chart.span = this.span.map((end) => (end === null ? null : end * (isTime ? 1000 : 1)));
      chart.show(lines, { xName: raw.x, isTime, logX: Boolean(this.words.logx) && !isTime, logY: Boolean(this.words.logy), low, high });
    }

    /** One line for each value of the param: the mean of its runs, with one deviation around it. */
    bands(curves, smooth) {
      const params = new Map(this.runs.map((run) => [run.id, run.params]));
      const groups = new Map();
      for (const curve of curves) {
        const name = this.words.by in params.get(curve.run) ? xvc.number(xvc.value(params.get(curve.run)[this.words.by])) : "none";
        if (!groups.has(name)) groups.set(name, []);
        groups.get(name).push(curve);
      }
      this.grouped = [...groups.keys()].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
      return this.grouped.map((name, place) => {
        const held = groups.get(name);
        const x = [...new Set(held.flatMap((curve) => curve.x))].sort((a, b) => a - b);
        const some = x.length > 400 ? x.filter((_, at) => at % Math.ceil(x.length / 400) === 0) : x;
        const line = { x: [], y: [], low: [], high: [] };
        for (const at of some) {
          const values = held.map((curve) => between(curve, at)).filter((y) => y !== undefined);
          if (!values.length) continue;
          const mean = values.reduce((sum, y) => sum + y, 0) / values.length;
          const sd = values.length > 1 ? Math.sqrt(values.reduce((sum, y) => sum + (y - mean) ** 2, 0) / (values.length - 1)) : 0;
          line.x.push(at);
          line.y.push(mean);
          line.low.push(mean - sd);
          line.high.push(mean + sd);
        }
        const calmed = (ys) => (smooth > 0 ? smoothed(ys, smooth) : ys);
        return { label: `${this.words.by} = ${name} (n ${held.length})`, place, x: line.x, y: calmed(line.y),
          band: held.length > 1 ? { low: calmed(line.low), high: calmed(line.high) } : undefined };
      });
    }

    list() {
      if (this.words.by) {
        const rows = (this.grouped ?? []).map((name, place) => h("div", { class: "legend-row" },
          swatch(place, this.grouped.length), h("span", {}, `${xvc.visible(this.words.by)} = ${xvc.visible(name)}`)));
        return swap(this.legend, h("h2", {}, "Mean ± deviation"), rows);
      }
      const places = new Map(this.runs.map((run, place) => [run.id, place]));
      const drawn = new Set([...this.answers.values()].flatMap((each) => (each?.raw?.curves ?? []).filter((curve) => curve.x.length).map((curve) => curve.run)));
      const shown = this.runs.filter((run) => drawn.has(run.id));
      const rows = shown.slice(0, LISTED).map((run) => h("div", { class: `legend-row ${this.off.has(run.id) ? "off" : ""}` },
        button(swatch(places.get(run.id), shown.length), () => this.toggle(run.id), { class: "quiet swatch", "aria-label": `Show or hide ${run.id}` }),
        h("a", { href: xvc.link("run", { id: run.id }) }, label(run)), run.status === "running" && xvc.status("running")));
      swap(this.legend, h("h2", {}, "Runs"), rows,
        shown.length > LISTED && h("p", { class: "dim" }, `and ${shown.length - LISTED} more`));
    }

    toggle(run) {
      if (!this.off.delete(run)) this.off.add(run);
      this.put();
    }

    zoom(low, high) {
      this.span = [low, high];
      for (const chart of this.charts.values()) {
        const scale = chart.options.isTime ? 1000 : 1;
        chart.span = this.span.map((end) => (end === null ? null : end * scale));
        chart.draw();
      }
      return this.draw();
    }

    async choose() {
      const boxes = this.found.keys.map((key) => [key, h("input", { type: "checkbox", checked: this.chosen.includes(key) })]);
      const body = h("div", { class: "choices" }, boxes.map(([key, box]) => h("label", { class: "choice" }, box, xvc.visible(key))));
      const chosen = await xvc.dialog("Curves", [body],
        [["Show", () => boxes.filter(([, box]) => box.checked).map(([key]) => key), "main"]]);
      if (!chosen?.length) return;
      this.chosen = chosen;
      await this.set("keys", chosen.join("\n"));
    }

    /** Draw anew what may have become longer. */
    async refresh() {
      if (this.runs?.some((run) => run.status === "running") || !this.words.runs) await this.begin();
    }

    leave() {
      this.gone = true;
      this.untheme();
      this.asked?.abort();
      for (const chart of this.charts.values()) chart.leave();
    }
  }

  const label = (run) => xvc.visible(run.name ?? run.version ?? run.id);
  const swatch = (place, of) => h("i", { class: "line-mark", style: { borderTop: `3px ${of > xvc.MANY ? "solid" : xvc.line(place).dash} ${xvc.line(place).colour}` } });

  /** An exponential mean, without the pull of its beginning; as TensorBoard has it. */
  function smoothed(ys, weight) {
    let last = 0, count = 0;
    return ys.map((y) => {
      last = last * weight + (1 - weight) * y;
      count += 1;
      return last / (1 - weight ** count);
    });
  }

  /** The y of a curve at an x between its ends, on the straight line between two points. */
  function between({ x: xs, y: ys }, x) {
    if (!xs.length || x < xs[0] || x > xs[xs.length - 1]) return undefined;
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= x) low = middle;
      else high = middle;
    }
    const width = xs[high] - xs[low];
    return width > 0 ? ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / width : ys[low];
  }

  /** Where all but the two outermost hundredths of the points lie, with some room. */
  function bounds(lines) {
    const all = lines.flatMap((line) => line.y).sort((a, b) => a - b);
    if (all.length < 50) return [];
    const low = all[Math.floor(all.length * 0.02)], high = all[Math.floor(all.length * 0.98)];
    const room = (high - low) * 0.08;
    return high > low ? [low - room, high + room] : [];
  }

  xvc.pages.curves = { title: () => "Curves", show: (place, words) => new Curves(place, words) };
})();
