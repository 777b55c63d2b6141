// Charts of lines, by ECharts on a canvas: its texts are drawn, never markup. The cursor, its list
// of values and the legend are elements of ours with text in them.
"use strict";
(() => {
  const { h, swap, number } = xvc;
  const cursors = new Set();

  let coming = null;

  /** Load ECharts when the first chart is drawn: a list of runs does without its megabyte. */
  function charts() {
    coming ??= new Promise((done, fail) => {
      const script = h("script", { src: "static/vendor/echarts/echarts.min.js" });
      script.onload = () => done(globalThis.echarts);
      script.onerror = () => fail(new Error("the charts could not be loaded"));
      document.head.append(script);
    });
    return coming;
  }

  class LineChart {
    /**
     * Options: title, xName, isTime, logX, logY, height, onSpan(low, high) when a part was chosen,
     * group: charts of one group share their cursor.
     */
    constructor(options) {
      this.options = { height: 260, ...options };
      this.canvas = h("div", { class: "chart-canvas", style: { height: `${this.options.height}px` } });
      this.rule = h("div", { class: "chart-rule" });
      this.box = h("div", { class: "chart-box" });
      this.tip = h("div", { class: "chart-tip" });
      this.place = h("figure", { class: "chart" },
        h("figcaption", {}, h("span", { class: "chart-title" }, this.options.title ?? ""),
          h("span", { class: "chart-tools" }, this.tools())),
        h("div", { class: "chart-area" }, this.canvas, this.rule, this.box, this.tip));
      this.lines = [];
      this.span = [null, null];
      cursors.add(this);
      this.untheme = xvc.onTheme(() => this.draw());
      this.watch = new ResizeObserver(() => this.resize());
      this.watch.observe(this.canvas);
      this.hear();
    }

    tools() {
      return [
        xvc.button("Reset zoom", () => this.choose(null, null), { class: "quiet reset" }),
        xvc.button("PNG", () => this.png(), { class: "quiet", "aria-label": "Save as PNG" }),
        xvc.button("SVG", () => this.svg(), { class: "quiet", "aria-label": "Save as SVG" }),
      ];
    }

    resize() {
      if (!this.canvas.clientWidth) return;
      if (this.chart) this.chart.resize();
      else if (!globalThis.echarts) charts().then(() => !this.gone && this.resize());
      else {
        this.chart = echarts.init(this.canvas, null, { renderer: "canvas" });
        this.draw();
      }
    }

    /** Show lines: [{label, x[], y[], colour?, dash?, isFaint?, band?: {low[], high[]}}]. */
    show(lines, more = {}) {
      Object.assign(this.options, more);
      this.lines = lines;
      this.draw();
    }

    draw() {
      if (!this.chart) return;
      this.chart.setOption(this.option(), { notMerge: true, lazyUpdate: false });
      this.place.classList.toggle("zoomed", this.span[0] !== null);
    }

    option() {
      const ink = xvc.colour("muted"), rule = xvc.colour("line");
      const axis = { axisLine: { lineStyle: { color: rule } }, axisLabel: { color: ink, fontSize: 11, hideOverlap: true },
        splitLine: { lineStyle: { color: rule, opacity: 0.6 } }, axisTick: { show: false } };
      const { xName, isTime, logX, logY } = this.options;
      return {
        animation: false,
        backgroundColor: "transparent",
        textStyle: { fontFamily: "system-ui, sans-serif" },
        grid: { left: 8, right: 14, top: 10, bottom: 24, containLabel: true },
        xAxis: { ...axis, type: isTime ? "time" : logX ? "log" : "value", name: xvc.visible(xName ?? ""), nameLocation: "middle",
          nameGap: 26, nameTextStyle: { color: ink, fontSize: 11 }, scale: true, splitLine: { show: false },
          min: this.span[0] ?? "dataMin", max: this.span[1] ?? "dataMax",
          axisLabel: { ...axis.axisLabel, formatter: isTime ? undefined : short } },
        yAxis: { ...axis, type: logY ? "log" : "value", scale: true, axisLine: { show: false },
          min: this.options.low ?? undefined, max: this.options.high ?? undefined,
          axisLabel: { ...axis.axisLabel, formatter: short } },
        series: this.lines.flatMap((line, place) => this.series(line, place)),
      };
    }

    series(line, place) {
      const look = xvc.line(line.place ?? place);
      const colour = line.colour ?? look.colour;
      const { logX, logY, isTime } = this.options;
      const scale = isTime ? 1000 : 1;
      const data = [];
      for (let at = 0; at < line.x.length; at += 1) {
        if ((logX && line.x[at] <= 0) || (logY && line.y[at] <= 0)) continue;
        data.push([line.x[at] * scale, line.y[at]]);
      }
      const one = { type: "line", data, showSymbol: data.length < 2, symbolSize: 5, silent: true, clip: true,
        lineStyle: { width: line.isFaint ? 1 : 1.6, color: colour, type: line.dash ?? look.dash,
          opacity: line.isFaint ? 0.25 : 1 }, itemStyle: { color: colour }, sampling: undefined };
      if (!line.band) return [one];
      const sides = { type: "line", silent: true, showSymbol: false, lineStyle: { opacity: 0 }, stack: `band ${place}`,
        stackStrategy: "all" };
      return [
        { ...sides, data: line.x.map((x, at) => [x * scale, line.band.low[at]]) },
        { ...sides, data: line.x.map((x, at) => [x * scale, line.band.high[at] - line.band.low[at]]),
          areaStyle: { color: colour, opacity: 0.15 } },
        one,
      ];
    }

    hear() {
      const area = this.canvas;
      let from = null;
      const across = (event) => this.across(event.clientX - area.getBoundingClientRect().left);
      area.addEventListener("pointermove", (event) => {
        const at = event.clientX - area.getBoundingClientRect().left;
        if (from !== null) this.mark(from, at);
        this.point(this.across(at), at, event.clientY - area.getBoundingClientRect().top);
      });
      area.addEventListener("pointerleave", () => this.point(null));
      area.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        from = event.clientX - area.getBoundingClientRect().left;
        area.setPointerCapture(event.pointerId);
      });
      area.addEventListener("pointerup", (event) => {
        const start = from, end = event.clientX - area.getBoundingClientRect().left;
        from = null;
        this.box.style.display = "none";
        if (start !== null && Math.abs(end - start) > 6) {
          const both = [this.across(start), this.across(end)].sort((a, b) => a - b);
          this.choose(...both);
        }
      });
      area.addEventListener("dblclick", () => this.choose(null, null));
      area.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        this.turn(across(event), event.shiftKey ? 0 : event.deltaY, event.shiftKey ? event.deltaX + event.deltaY : 0);
      }, { passive: false });
    }

    /** Zoom around a place with the wheel and Ctrl, move with Shift; drawn once a frame. */
    turn(at, zoom, move) {
      const [low, high] = this.extent();
      const factor = Math.exp(zoom * 0.002), shift = (move / 800) * (high - low);
      this.span = [at - (at - low) * factor + shift, at + (high - at) * factor + shift];
      if (this.frame) return;
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.chart.setOption({ xAxis: { min: this.span[0], max: this.span[1] } });
        this.place.classList.add("zoomed");
        this.settle();
      });
    }

    settle() {
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.tell(), 250);
    }

    extent() {
      return this.chart.getModel().getComponent("xAxis", 0).axis.scale.getExtent();
    }

    across(pixel) {
      return this.chart ? this.chart.convertFromPixel({ xAxisIndex: 0 }, pixel) : 0;
    }

    choose(low, high) {
      this.span = [low, high];
      this.draw();
      this.tell();
    }

    tell() {
      const scale = this.options.isTime ? 1000 : 1;
      this.options.onSpan?.(...this.span.map((end) => (end === null ? null : end / scale)));
    }

    mark(from, to) {
      Object.assign(this.box.style, { display: "block", left: `${Math.min(from, to)}px`, width: `${Math.abs(to - from)}px` });
    }

    /** Show the cursor at a value of x here and in the charts of the same group. */
    point(x, pixel, top) {
      for (const chart of cursors) {
        if (chart === this || (this.options.group && chart.options.group === this.options.group)) {
          chart.cursor(x, chart === this ? pixel : null, top ?? 20, chart === this);
        }
      }
    }

    cursor(x, pixel, top, isOwn) {
      if (x === null || !this.chart || !this.lines.length) {
        this.rule.style.display = this.tip.style.display = "none";
        return;
      }
      const at = pixel ?? this.chart.convertToPixel({ xAxisIndex: 0 }, x);
      Object.assign(this.rule.style, { display: "block", left: `${at}px` });
      const scale = this.options.isTime ? 1000 : 1;
      const rows = this.lines.map((line, place) => ({ line, place, y: nearest(line, x / scale) }))
        .filter((row) => row.y !== undefined && !row.line.isFaint);
      const shown = rows.sort((a, b) => b.y - a.y).slice(0, 12);
      const [low, high] = this.extent();
      const name = this.options.isTime ? xvc.moment(x) : number(tidy(x, (high - low) / 400));
      swap(this.tip, h("div", { class: "tip-x" }, `${this.options.xName ?? ""} ${name}`),
        shown.map(({ line, place, y }) => h("div", { class: "tip-row" },
          h("i", { style: { background: line.colour ?? xvc.line(line.place ?? place).colour } }),
          h("span", {}, line.label), h("b", {}, number(y)))),
        rows.length > shown.length && h("div", { class: "tip-x" }, `and ${rows.length - shown.length} more`));
      const isLeft = at > this.canvas.clientWidth / 2;
      Object.assign(this.tip.style, { display: "block", top: `${isOwn ? Math.max(0, top - 20) : 8}px`,
        left: isLeft ? "" : `${at + 14}px`, right: isLeft ? `${this.canvas.clientWidth - at + 14}px` : "" });
    }

    png() {
      const content = this.chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: xvc.colour("panel") });
      xvc.save(`${this.options.title || "chart"}.png`, content);
    }

    svg() {
      const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
      const drawn = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
      drawn.setOption({ ...this.option(), backgroundColor: xvc.colour("panel") });
      xvc.save(`${this.options.title || "chart"}.svg`, drawn.renderToSVGString(), "image/svg+xml");
      drawn.dispose();
    }

    leave() {
      this.gone = true;
      cursors.delete(this);
      this.untheme();
      this.watch.disconnect();
      clearTimeout(this.settling);
      this.chart?.dispose();
      this.chart = null;
    }
  }

  function short(given) {
    const size = Math.abs(given);
    if (size >= 1e9) return `${tidy(given / 1e9, 0.01)}G`;
    if (size >= 1e6) return `${tidy(given / 1e6, 0.01)}M`;
    if (size >= 1e4) return `${tidy(given / 1e3, 0.1)}k`;
    return number(given);
  }

  const tidy = (given, step) => Number(given.toPrecision(Math.max(2, Math.ceil(Math.log10(Math.abs(given / step) || 1)) + 1)));

  /** The y of a line whose x is nearest; nothing outside its ends. */
  function nearest(line, x) {
    const { x: xs, y: ys } = line;
    if (!xs.length || x < xs[0] - 1e-9 || x > xs[xs.length - 1] + 1e-9) return xs.length === 1 ? ys[0] : undefined;
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle;
      else high = middle;
    }
    return x - xs[low] < xs[high] - x ? ys[low] : ys[high];
  }

  Object.assign(xvc, { LineChart, charts });
})();
