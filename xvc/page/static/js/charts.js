// Charts of lines: axes by ECharts, the lines on a canvas of ours above them, because a hundred lines
// are to follow a wheel. Texts are drawn, never markup. The cursor, its list of values and the legend
// are elements of ours with text in them.
"use strict";
(() => {
  const { h, swap, number } = xvc;
  const cursors = new Set();
  const MANY = 21; // more lines than this are as thin as the screen can draw, which is ten times as fast
  const ROUGH = 12_000; // points that are drawn in a frame while a hand moves

  class LineChart {
    /**
     * Options: title, xName, isTime, logX, logY, height, onSpan(low, high) when a part was chosen,
     * group: charts of one group share their cursor.
     */
    constructor(options) {
      this.options = { height: 260, ...options };
      this.canvas = h("div", { class: "chart-canvas", style: { height: `${this.options.height}px` } });
      this.ink = h("canvas", { class: "chart-ink" });
      this.rule = h("div", { class: "chart-rule" });
      this.box = h("div", { class: "chart-box" });
      this.tip = h("div", { class: "chart-tip" });
      this.place = h("figure", { class: "chart" },
        h("figcaption", {}, h("span", { class: "chart-title" }, this.options.title ?? ""),
          h("span", { class: "chart-tools" }, this.tools())),
        h("div", { class: "chart-area" }, this.canvas, this.rule, this.box, this.tip));
      this.lines = [];
      this.span = [null, null];
      this.isDrawn = new Promise((done) => { this.drawn = done; });
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
      if (!globalThis.echarts) return xvc.library("charts").then(() => !this.gone && this.resize());
      if (this.chart) this.chart.resize();
      else {
        this.chart = echarts.init(this.canvas, null, { renderer: "canvas" });
        this.canvas.after(this.ink);
      }
      this.draw();
    }

    entitle(words) {
      this.options.title = words;
      swap(this.place.querySelector(".chart-title"), words);
    }

    /** Show lines: [{label, x[], y[], colour?, dash?, isFaint?, band?: {low[], high[]}}]. */
    show(lines, more = {}) {
      Object.assign(this.options, more);
      this.lines = lines;
      this.points = null;
      this.draw();
    }

    draw() {
      if (!this.chart) return;
      this.chart.setOption(this.option([this.corners()]), { notMerge: true, lazyUpdate: false });
      this.place.classList.toggle("zoomed", this.span[0] !== null);
      this.paint();
      this.drawn();
    }

    option(series) {
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
          axisLabel: { ...axis.axisLabel, formatter: isTime ? undefined : logX ? short : (given) => (this.isRound(given) ? short(given) : "") } },
        yAxis: { ...axis, type: logY ? "log" : "value", scale: true, axisLine: { show: false },
          min: this.options.low ?? undefined, max: this.options.high ?? undefined,
          axisLabel: { ...axis.axisLabel, formatter: short } },
        series,
      };
    }

    /** An unseen line from the least to the greatest of all points: it is what the axes go by. */
    corners() {
      const ends = [Infinity, Infinity, -Infinity, -Infinity];
      const reach = (xs, ys) => {
        for (let at = 0; at < xs.length; at += 1) {
          const x = xs[at], y = ys[at];
          if (x < ends[0]) ends[0] = x;
          if (x > ends[2]) ends[2] = x;
          if (y < ends[1]) ends[1] = y;
          if (y > ends[3]) ends[3] = y;
        }
      };
      for (const { x, y, band } of this.drawable()) {
        reach(x, y);
        if (band) [band.low, band.high].forEach((side) => reach(x, side));
      }
      this.reach = [ends[0], ends[2]];
      const data = Number.isFinite(ends[0]) ? [ends.slice(0, 2), ends.slice(2)] : [];
      return { type: "line", silent: true, showSymbol: false, lineStyle: { opacity: 0 }, data };
    }

    /** Whether an x is worth a word: ECharts writes the ends of an axis, whatever they are. */
    isRound(x) {
      const [low, high] = this.span[0] === null ? this.reach : this.span;
      const step = 10 ** Math.floor(Math.log10(high - low || 1)) / 20;
      return Math.abs(x / step - Math.round(x / step)) < 1e-6;
    }

    /** The lines as they are drawn: times in milliseconds, nothing that a logarithm has no place for. */
    drawable() {
      this.points ??= this.lines.map((line, place) => {
        const { logX, logY, isTime } = this.options;
        const look = xvc.line(line.place ?? place), scale = isTime ? 1000 : 1;
        const kept = [];
        for (let at = 0; at < line.x.length; at += 1) if (!((logX && line.x[at] <= 0) || (logY && line.y[at] <= 0))) kept.push(at);
        const part = (values, by = 1) => Float64Array.from(kept, (at) => values[at] * by);
        return { line, x: part(line.x, scale), y: part(line.y), band: line.band && { low: part(line.band.low), high: part(line.band.high) },
          dash: line.dash ?? (this.lines.length > MANY ? "solid" : look.dash), place: line.place ?? place };
      });
      return this.points;
    }

    /** How thick a line is, on a screen with so many dots for a pixel. */
    thickness(line, dots) {
      return this.lines.length > MANY ? 1 / dots : line.isFaint ? 1 : 1.6;
    }

    /** Draw the lines over the axes; `isRough` while a hand moves, when fewer points will do. */
    paint(isRough) {
      const dots = devicePixelRatio || 1, { clientWidth: wide, clientHeight: high } = this.canvas;
      if (this.ink.width !== Math.round(wide * dots) || this.ink.height !== Math.round(high * dots)) {
        Object.assign(this.ink, { width: Math.round(wide * dots), height: Math.round(high * dots) });
        Object.assign(this.ink.style, { width: `${wide}px`, height: `${high}px` });
      }
      this.lay(this.ink.getContext("2d"), dots, isRough);
    }

    lay(pen, dots, isRough) {
      const rect = this.chart.getModel().getComponent("grid").coordinateSystem.getRect();
      const [toX, toY] = ["xAxis", "yAxis"].map((name) => this.onto(name));
      pen.setTransform(dots, 0, 0, dots, 0, 0);
      pen.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
      if (!toX || !toY) return;
      pen.save();
      pen.beginPath();
      pen.rect(rect.x - 1, rect.y - 2, rect.width + 2, rect.height + 4);
      pen.clip();
      pen.lineJoin = "bevel";
      const [low, high] = [toX.back(rect.x), toX.back(rect.x + rect.width)];
      const parts = this.drawable().map((each) => within(each.x, low, high));
      const count = parts.reduce((sum, [from, to]) => sum + to - from, 0);
      const step = isRough ? Math.ceil(count / ROUGH) : 1;
      this.drawable().forEach((each, at) => {
        if (each.band) area(pen, each, parts[at], toX, toY);
      });
      this.drawable().forEach((each, at) => {
        pen.globalAlpha = each.line.isFaint ? 0.25 : 1;
        pen.lineWidth = this.thickness(each.line, dots);
        pen.setLineDash(DASHES[each.dash] ?? []);
        pen.strokeStyle = pen.fillStyle = colourOf(each);
        stroke(pen, each, parts[at], toX, toY, step);
      });
      pen.restore();
    }

    /** How a value comes to its pixel on an axis, and back. */
    onto(name) {
      const axis = this.chart.getModel().getComponent(name, 0).axis;
      const [low, high] = axis.scale.getExtent();
      const [from, to] = [low, high].map((end) => this.chart.convertToPixel({ [`${name}Index`]: 0 }, end));
      const isLog = axis.type === "log";
      const [first, last] = isLog ? [Math.log(low), Math.log(high)] : [low, high];
      const by = (to - from) / (last - first);
      if (!Number.isFinite(by) || !by) return null;
      return { isLog, by, off: from - first * by, back: (pixel) => {
        const value = first + (pixel - from) / by;
        return isLog ? Math.exp(value) : value;
      } };
    }

    /** The lines as ECharts' own, for a picture that is made of shapes. */
    series() {
      return this.drawable().flatMap((each, place) => {
        const { line, x, y, band } = each, colour = colourOf(each);
        const pairs = (values) => Array.from(x, (at, index) => [at, values[index]]);
        const one = { type: "line", data: pairs(y), showSymbol: y.length < 2, symbolSize: 5, silent: true, clip: true, itemStyle: { color: colour },
          lineStyle: { width: this.lines.length > MANY ? 0.8 : this.thickness(line, 1), color: colour, type: each.dash, opacity: line.isFaint ? 0.25 : 1 } };
        if (!band) return [one];
        const sides = { type: "line", silent: true, showSymbol: false, lineStyle: { opacity: 0 }, stack: `band ${place}`, stackStrategy: "all" };
        return [{ ...sides, data: pairs(band.low) },
          { ...sides, data: pairs(band.high.map((top, at) => top - band.low[at])), areaStyle: { color: colour, opacity: 0.15 } }, one];
      });
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
        this.chart.setOption({ xAxis: { min: this.span[0], max: this.span[1] } }, { silent: true });
        this.paint(true);
        this.place.classList.add("zoomed");
        this.settle();
      });
    }

    settle() {
      clearTimeout(this.settling);
      this.settling = setTimeout(() => {
        this.paint();
        this.tell();
      }, 250);
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
      const dots = 2;
      const picture = this.chart.renderToCanvas({ pixelRatio: dots, backgroundColor: xvc.colour("panel") });
      const lines = h("canvas", { width: picture.width, height: picture.height });
      this.lay(lines.getContext("2d"), dots);
      const pen = picture.getContext("2d");
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.drawImage(lines, 0, 0);
      xvc.save(`${this.options.title || "chart"}.png`, picture.toDataURL("image/png"));
    }

    svg() {
      const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
      const drawn = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
      drawn.setOption({ ...this.option(this.series()), backgroundColor: xvc.colour("panel") });
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

  const DASHES = { dashed: [5, 4], dotted: [1.6, 3] };
  const colourOf = ({ line, place }) => line.colour ?? xvc.line(place).colour;

  /** Which points lie in a part of x, with one beyond each end, so that lines go on to the edge. */
  function within(xs, low, high) {
    return [Math.max(0, first(xs, low) - 1), Math.min(xs.length, first(xs, high) + 1)];
  }

  function first(xs, least) {
    let low = 0, high = xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (xs[middle] < least) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  const pixel = (axis, value) => (axis.isLog ? Math.log(value) : value) * axis.by + axis.off;

  /** Draw a line; with a step above 1 the least and the greatest of each so many points and no more. */
  function stroke(pen, { x, y }, [from, to], toX, toY, step) {
    if (x.length < 2) {
      if (x.length) dot(pen, pixel(toX, x[0]), pixel(toY, y[0]));
      return;
    }
    pen.beginPath();
    const wide = step > 1 ? step * 2 : 1;
    for (let at = from; at < to; at += wide) {
      if (wide === 1) {
        pen.lineTo(pixel(toX, x[at]), pixel(toY, y[at]));
        continue;
      }
      let least = at, most = at;
      for (let next = at + 1; next < Math.min(to, at + wide); next += 1) {
        if (y[next] < y[least]) least = next;
        if (y[next] > y[most]) most = next;
      }
      for (const place of least < most ? [least, most] : [most, least]) pen.lineTo(pixel(toX, x[place]), pixel(toY, y[place]));
    }
    pen.stroke();
  }

  function dot(pen, x, y) {
    pen.beginPath();
    pen.arc(x, y, 2.5, 0, 2 * Math.PI);
    pen.fill();
  }

  /** Fill between the two sides of a band. */
  function area(pen, each, [from, to], toX, toY) {
    pen.globalAlpha = 0.15;
    pen.fillStyle = colourOf(each);
    pen.beginPath();
    for (let at = from; at < to; at += 1) pen.lineTo(pixel(toX, each.x[at]), pixel(toY, each.band.high[at]));
    for (let at = to - 1; at >= from; at -= 1) pen.lineTo(pixel(toX, each.x[at]), pixel(toY, each.band.low[at]));
    pen.fill();
  }

  function short(given) {
    const size = Math.abs(given);
    if (size >= 1e12) return number(given);
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

  Object.assign(xvc, { LineChart, MANY });
})();
