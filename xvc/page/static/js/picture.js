// A chart of any kind by ECharts, with its colours, its size and its files. What it says under the
// pointer is drawn on the canvas (`richText`), never markup.
"use strict";
(() => {
  const { h } = xvc;

  class Picture {
    /** Options: title, height, option() that gives ECharts' own. */
    constructor(options) {
      this.options = { height: 280, ...options };
      this.canvas = h("div", { class: "chart-canvas plain", style: { height: `${this.options.height}px` } });
      this.place = h("figure", { class: "chart" },
        h("figcaption", {}, h("span", { class: "chart-title" }, this.options.title ?? ""),
          h("span", { class: "chart-tools" },
            xvc.button("PNG", () => this.png(), { class: "quiet", "aria-label": "Save as PNG" }),
            xvc.button("SVG", () => this.svg(), { class: "quiet", "aria-label": "Save as SVG" }))),
        h("div", { class: "chart-area" }, this.canvas));
      this.untheme = xvc.onTheme(() => this.draw());
      this.watch = new ResizeObserver(() => this.resize());
      this.watch.observe(this.canvas);
    }

    resize() {
      if (!this.canvas.clientWidth) return;
      if (this.chart) return this.chart.resize();
      if (!globalThis.echarts) return xvc.library("charts").then(() => !this.gone && this.resize());
      this.chart = echarts.init(this.canvas, null, { renderer: "canvas" });
      this.options.made?.(this.chart);
      this.draw();
    }

    draw() {
      this.chart?.setOption(this.whole(), { notMerge: true });
    }

    whole() {
      const ink = xvc.colour("muted");
      return { animation: false, backgroundColor: "transparent", textStyle: { fontFamily: "system-ui, sans-serif", color: ink },
        tooltip: { renderMode: "richText", confine: true, backgroundColor: xvc.colour("panel"), borderColor: xvc.colour("line"),
          textStyle: { color: xvc.colour("ink"), fontSize: 12 } },
        ...this.options.option() };
    }

    png() {
      xvc.save(`${this.options.title || "chart"}.png`,
        this.chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: xvc.colour("panel") }));
    }

    svg() {
      const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
      const drawn = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
      drawn.setOption({ ...this.whole(), backgroundColor: xvc.colour("panel") });
      xvc.save(`${this.options.title || "chart"}.svg`, drawn.renderToSVGString(), "image/svg+xml");
      drawn.dispose();
    }

    leave() {
      this.gone = true;
      this.untheme();
      this.watch.disconnect();
      this.chart?.dispose();
      this.chart = null;
    }
  }

  /** How an axis looks: quiet, with its name. */
  function axis(more) {
    const ink = xvc.colour("muted"), rule = xvc.colour("line");
    return { axisLine: { lineStyle: { color: rule } }, axisTick: { show: false }, axisLabel: { color: ink, fontSize: 11, hideOverlap: true },
      splitLine: { lineStyle: { color: rule, opacity: 0.6 } }, nameTextStyle: { color: ink, fontSize: 11 }, ...more };
  }

  /** Colours from worse to better that stay apart for everybody (after viridis), and from the ground. */
  const scale = () => (xvc.isDark() ? ["#7a4fb5", "#5f7fd0", "#3ab5ad", "#7ad67a", "#fde725"] : ["#440154", "#3b528b", "#21918c", "#5aa832", "#c9a400"]);

  Object.assign(xvc, { Picture, axis, scale });
})();
