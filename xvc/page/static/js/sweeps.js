// Sweeps: the list, and one of them: how far it is, what was tried, what mattered, what failed.
"use strict";
(() => {
  const { h, swap, button, value, number, duration } = xvc;

  class Sweeps {
    constructor(place, words) {
      this.place = place;
      this.words = words;
      this.charts = [];
      this.keys = [["Escape", words.id ? "all sweeps" : "back to the runs", () => { location.hash = words.id ? "#/sweeps" : "#/runs"; }]];
      this.live = xvc.follow(this, ["runs"], () => this.refresh(), 1000);
      this.ready = this.begin();
    }

    begin() {
      return this.words.id ? this.one() : this.all();
    }

    async all() {
      const found = await xvc.ask("sweeps");
      if (this.gone) return;
      if (!found.sweeps.length) {
        return swap(this.place, xvc.empty("No sweeps yet", "A sweep runs a command for many params; it is shown here while it runs.",
          xvc.command("xvc sweep --param lr=0.1,0.01 --metric loss:min -- python train.py")), warned(found));
      }
      swap(this.place, h("div", { class: "page" }, h("h1", {}, "Sweeps"), warned(found),
        h("div", { class: "scroll" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", {}, "sweep"), h("th", {}, "state"), h("th", {}, "progress"),
          h("th", { class: "num" }, "best"), h("th", {}, "params"), h("th", {}, "sampler"), h("th", {}, "begun"), h("th", {}, "command"))),
        h("tbody", {}, found.sweeps.map((each) => h("tr", {},
          h("td", {}, h("a", { href: xvc.link("sweeps", { id: each.id }) }, h("code", {}, each.id))),
          h("td", {}, xvc.status(each.state)), h("td", {}, progress(each)),
          h("td", { class: "num" }, each.best && [h("small", {}, `${xvc.visible(each.metric ?? "")} `), number(value(each.best.value))]),
          h("td", {}, each.params.map(xvc.visible).join(", ")), h("td", {}, each.sampler), h("td", {}, xvc.ago(each.created)),
          h("td", {}, h("code", { class: "short" }, xvc.visible(each.command.join(" ")))))))))));
    }

    async one() {
      const found = await xvc.ask("sweep", { id: this.words.id });
      if (this.gone) return;
      this.found = found;
      const done = found.trials.filter((each) => each.state === "finished" && Number.isFinite(value(each.value)));
      this.done = done;
      for (const chart of this.charts) chart.leave();
      this.charts = this.drawings();
      this.table = h("div", { class: "scroll" });
      const canChange = !xvc.about.readOnly && !xvc.isFrozen;
      swap(this.place, h("div", { class: "page" },
        h("div", { class: "run-head" }, h("h1", {}, "Sweep ", h("code", {}, found.id), xvc.status(found.state)),
          h("p", { class: "sub" }, [progress(found), `begun ${xvc.ago(found.created)}`, `${found.sampler} sampler`,
            found.metric && `by ${xvc.visible(found.metric)}${found.direction ? `, ${found.direction} is better` : ""}`].map((each) => each && h("span", {}, each))),
          xvc.command(found.command.map(xvc.quoted).join(" ")), warned(found)),
        h("div", { class: "cards" },
          found.best && xvc.card("Best so far", h("p", { class: "big" }, number(value(found.best.value)), h("small", {}, ` ${xvc.visible(found.metric ?? "")}, trial ${found.best.number}`)),
            xvc.keyTable(Object.entries(found.best.params), (_, given) => xvc.visible(number(value(given)))),
            found.best.run && h("a", { href: xvc.link("run", { id: found.best.run }) }, "its run")),
          xvc.card("Space", xvc.keyTable(Object.entries(found.space), (_, each) => xvc.visible(each.text))),
          Object.keys(found.importances).length > 0 && xvc.card("What mattered", Object.entries(found.importances).map(([key, part]) =>
            h("div", { class: "part-bar" }, h("span", {}, xvc.visible(key)), h("i", {}, h("b", { style: { width: `${(part * 100).toFixed(1)}%` } })), h("span", {}, `${Math.round(part * 100)} %`)))),
          xvc.card("Commands", [`xvc sweep show ${found.id}`, found.state !== "done" && found.state !== "running" && `xvc sweep resume ${found.id}`,
            found.counts.failed > 0 && `xvc sweep retry ${found.id}`, found.best?.run && `xvc tag minor --run ${found.best.run}`].filter(Boolean).map(xvc.command),
            found.state === "running" && canChange && button("Stop it", () => this.stop()))),
        h("div", { class: "pictures" }, this.charts.map((chart) => chart.place)),
        this.failed(), h("section", { class: "card" }, h("h2", {}, "Trials"), this.table)));
      this.list(null);
    }

    /** The table of trials; with some chosen on the axes, only these. */
    list(chosen) {
      const found = this.found;
      const keys = Object.keys(found.space);
      const shown = found.trials.filter((each) => !chosen || chosen.has(each.number));
      swap(this.table, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", { class: "num" }, "trial"), h("th", {}, "state"),
        h("th", { class: "num" }, xvc.visible(found.metric ?? "value")), keys.map((key) => h("th", { class: "num" }, xvc.visible(key))), h("th", { class: "num" }, "took"), h("th", {}, "run"))),
      h("tbody", {}, shown.slice(0, 500).map((each) => h("tr", {}, h("td", { class: "num" }, each.number), h("td", {}, xvc.status(each.state)),
        h("td", { class: "num" }, number(value(each.value))), keys.map((key) => h("td", { class: "num" }, xvc.visible(number(value(each.params[key])))) ),
        h("td", { class: "num" }, duration(value(each.seconds))), h("td", {}, each.run && h("a", { href: xvc.link("run", { id: each.run }) }, h("code", {}, each.run))))))),
      shown.length > 500 && h("p", { class: "dim" }, `and ${shown.length - 500} more`));
    }

    failed() {
      const failed = this.found.trials.filter((each) => each.state === "failed");
      if (!failed.length) return null;
      return h("section", { class: "card" }, h("h2", {}, `${failed.length} failed`), h("table", { class: "facts" }, failed.slice(0, 50).map((each) =>
        h("tr", {}, h("th", {}, each.run ? h("a", { href: xvc.link("run", { id: each.run }) }, `trial ${each.number}`) : `trial ${each.number}`),
          h("td", { class: "left" }, xvc.visible(each.reason ?? "no reason is on record"))))));
    }

    drawings() {
      const { found, done } = this;
      if (!done.length) return [];
      const keys = Object.keys(found.space);
      const charts = [new xvc.Picture({ title: "Best so far", height: 240, option: () => this.bestSoFar() })];
      if (keys.length > 1) {
        const parallel = new xvc.Picture({ title: "Params and metric: drag along an axis to choose trials", height: 300, option: () => this.parallel(keys),
          made: (chart) => chart.on("axisareaselected", () => this.brushed(chart)) });
        parallel.place.classList.add("wide");
        charts.unshift(parallel);
      }
      for (const key of keys) charts.push(new xvc.Picture({ title: xvc.visible(`${found.metric} over ${key}`), height: 240, option: () => this.scatter(key) }));
      const numeric = keys.filter((key) => this.isNumeric(key));
      for (const [x, y] of pairs(numeric, found.importances)) {
        charts.push(new xvc.Picture({ title: xvc.visible(`${found.metric} over ${x} and ${y}`), height: 280, option: () => this.contour(x, y) }));
      }
      return charts;
    }

    bestSoFar() {
      return { grid: GRID, xAxis: xvc.axis({ type: "value", name: "trial", minInterval: 1, nameLocation: "middle", nameGap: 26, splitLine: { show: false } }), yAxis: xvc.axis({ type: "value", scale: true }),
        series: [{ type: "line", step: "end", data: this.found.best_so_far.map(([at, best]) => [at, value(best)]), showSymbol: false, lineStyle: { width: 2, color: xvc.colour("accent") } },
          { type: "scatter", symbolSize: 6, data: this.done.map((each) => [each.number, value(each.value)]), itemStyle: { color: xvc.colour("muted"), opacity: 0.6 } }] };
    }

    isNumeric(key) {
      return this.done.every((each) => typeof value(each.params[key]) === "number");
    }

    axisOf(key) {
      const isNumber = this.isNumeric(key);
      const isLog = isNumber && this.found.space[key].log && this.done.every((each) => value(each.params[key]) > 0);
      if (isNumber) return { type: isLog ? "log" : "value", scale: true };
      return { type: "category", data: [...new Set(this.done.map((each) => shown(each.params[key])))] };
    }

    at(trial, key) {
      return this.isNumeric(key) ? value(trial.params[key]) : shown(trial.params[key]);
    }

    parallel(keys) {
      const values = this.done.map((each) => value(each.value));
      const isMin = this.found.direction === "min";
      return {
        parallel: { left: 50, right: 70, top: 36, bottom: 24 },
        parallelAxis: [...keys.map((key, dim) => ({ dim, name: xvc.visible(key), ...this.axisOf(key) })), { dim: keys.length, name: xvc.visible(this.found.metric ?? "value"), type: "value", scale: true }]
          .map((each) => xvc.axis({ ...each, areaSelectStyle: { width: 22, color: xvc.colour("accent"), opacity: 0.25 } })),
        visualMap: { show: false, dimension: keys.length, min: Math.min(...values), max: Math.max(...values), inRange: { color: isMin ? xvc.scale().reverse() : xvc.scale() } },
        series: [{ type: "parallel", smooth: 0.15, lineStyle: { width: 1.6, opacity: 0.7 }, inactiveOpacity: 0.05, activeOpacity: 0.95, realtime: true,
          data: this.done.map((each) => [...keys.map((key) => this.at(each, key)), value(each.value)]) }],
      };
    }

    brushed(chart) {
      const series = chart.getModel().getSeriesByIndex(0);
      const active = series.getRawIndicesByActiveState("active");
      this.list(active.length ? new Set(active.map((place) => this.done[place].number)) : null);
    }

    scatter(key) {
      return { grid: GRID, tooltip: { ...tip(), formatter: ({ data }) => `trial ${data[2]}\n${xvc.visible(key)} ${number(data[0])}\n${number(data[1])}` },
        xAxis: xvc.axis({ ...this.axisOf(key), splitLine: { show: false } }), yAxis: xvc.axis({ type: "value", scale: true }),
        series: [{ type: "scatter", symbolSize: 8, data: this.done.map((each) => [this.at(each, key), value(each.value), each.number]), itemStyle: { color: xvc.colour("accent"), opacity: 0.75 } }] };
    }

    /** The metric over two params: trials as dots over a field that is weighed by nearness. */
    contour(x, y) {
      const values = this.done.map((each) => value(each.value));
      const isMin = this.found.direction === "min";
      const [least, most] = [Math.min(...values), Math.max(...values)];
      const [ax, ay] = [this.axisOf(x), this.axisOf(y)];
      const to = (axis) => (given) => (axis.type === "log" ? Math.log(given) : given);
      const points = this.done.map((each) => [this.at(each, x), this.at(each, y), value(each.value), each.number]);
      return { grid: { ...GRID, right: 66 }, tooltip: { ...tip(), formatter: ({ data }) => (data[3] === undefined ? "" : `trial ${data[3]}\n${xvc.visible(x)} ${number(data[0])}\n${xvc.visible(y)} ${number(data[1])}\n${number(data[2])}`) },
        xAxis: xvc.axis({ ...ax, name: xvc.visible(x), nameLocation: "middle", nameGap: 26, splitLine: { show: false } }), yAxis: xvc.axis({ ...ay, name: xvc.visible(y), splitLine: { show: false } }),
        visualMap: { dimension: 2, min: least, max: most, calculable: false, right: 0, top: "middle", itemWidth: 10, itemHeight: 120, precision: 3,
          textStyle: { color: xvc.colour("muted"), fontSize: 11 }, inRange: { color: isMin ? xvc.scale().reverse() : xvc.scale() } },
        series: [
          { type: "custom", silent: true, clip: true, renderItem: cell, encode: { x: [0, 4], y: [1, 5] }, data: field(points, to(ax), to(ay), ax, ay) },
          { type: "scatter", symbolSize: 9, data: points, itemStyle: { borderColor: xvc.colour("panel"), borderWidth: 1.5 } }] };
    }

    async stop() {
      try {
        await xvc.change("stop", { id: this.found.id });
        xvc.say("It ends when its trials have ended");
      } catch (err) {
        xvc.say(`${err.message}. ${err.hint ?? ""}`, "bad");
      }
    }

    async refresh() {
      const top = this.place.firstElementChild?.scrollTop;
      await this.begin();
      if (top) this.place.firstElementChild.scrollTop = top;
    }

    leave() {
      this.gone = true;
      for (const chart of this.charts) chart.leave();
    }
  }

  const GRID = { left: 12, right: 18, top: 26, bottom: 30, containLabel: true };
  const tip = () => ({ renderMode: "richText", confine: true, trigger: "item", backgroundColor: xvc.colour("panel"), borderColor: xvc.colour("line"), textStyle: { color: xvc.colour("ink"), fontSize: 12 } });
  const shown = (given) => xvc.visible(number(value(given)) || "none");

  function warned(found) {
    return (found.warnings ?? []).map((words) => h("p", { class: "warning" }, xvc.visible(words)));
  }

  /** A bar of what has ended how. */
  function progress(each) {
    const counts = each.counts, of = Math.max(1, each.total);
    const part = (kind, count) => count > 0 && h("b", { class: kind, style: { width: `${(count / of) * 100}%` } });
    const ended = (counts.finished ?? 0) + (counts.failed ?? 0) + (counts.pruned ?? 0);
    return h("span", { class: "progress" }, h("i", {}, part("finished", counts.finished), part("failed", counts.failed), part("pruned", counts.pruned), part("running", counts.running)),
      `${ended}/${each.total}`, counts.failed > 0 && h("small", { class: "bad" }, ` ${counts.failed} failed`));
  }

  /** The pairs of params worth a field: the two that mattered most, at most three pairs. */
  function pairs(keys, importances) {
    const first = [...keys].sort((a, b) => (importances[b] ?? 0) - (importances[a] ?? 0)).slice(0, 3);
    return first.flatMap((x, at) => first.slice(at + 1).map((y) => [x, y])).slice(0, 3);
  }

  /** Cells of a field over the points, each the mean of all weighed by nearness (Shepard, 1968). */
  function field(points, toX, toY, ax, ay) {
    const xs = points.map((each) => toX(each[0])), ys = points.map((each) => toY(each[1]));
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    if (!(x1 > x0) || !(y1 > y0)) return [];
    const side = 28, cells = [];
    const back = (axis) => (given) => (axis.type === "log" ? Math.exp(given) : given);
    for (let column = 0; column < side; column += 1) {
      for (let row = 0; row < side; row += 1) {
        const [u, v] = [(column + 0.5) / side, (row + 0.5) / side];
        let sum = 0, weight = 0;
        points.forEach((each, place) => {
          const near = 1 / (1e-6 + ((xs[place] - x0) / (x1 - x0) - u) ** 2 + ((ys[place] - y0) / (y1 - y0) - v) ** 2) ** 1.5;
          sum += near * each[2];
          weight += near;
        });
        const at = (place) => [back(ax)(x0 + (place[0] / side) * (x1 - x0)), back(ay)(y0 + (place[1] / side) * (y1 - y0))];
        cells.push([...at([column, row]), sum / weight, undefined, ...at([column + 1, row + 1])]);
      }
    }
    return cells;
  }

  function cell(params, api) {
    const [low, high] = [api.coord([api.value(0), api.value(1)]), api.coord([api.value(4), api.value(5)])];
    return { type: "rect", style: { fill: api.visual("color"), opacity: 0.55 },
      shape: { x: Math.round(low[0]), y: Math.round(high[1]), width: Math.round(high[0]) - Math.round(low[0]), height: Math.round(low[1]) - Math.round(high[1]) } };
  }

  xvc.pages.sweeps = { title: () => "Sweeps", show: (place, words) => new Sweeps(place, words) };
})();
