// The graph of commits, branches, work trees and versions, and what each version changed.
"use strict";
(() => {
  const { h, svg, swap, button, value, number } = xvc;
  const STEP = 16, HIGH = 34;

  class Versions {
    constructor(place, words) {
      this.place = place;
      this.limit = Number(words.limit) || 200;
      this.isOnly = words.only === "1";
      this.keys = [["Escape", "back to the runs", () => { location.hash = "#/runs"; }],
        ["v", "only versions, or all commits", () => this.turn()]];
      this.untheme = xvc.onTheme(() => this.found && this.lay());
      this.live = xvc.follow(this, ["refs"], () => this.begin(), 1000);
      this.ready = this.begin();
    }

    async begin() {
      this.found = await xvc.ask("versions", { limit: this.limit });
      if (!this.gone) this.lay();
    }

    turn() {
      this.isOnly = !this.isOnly;
      xvc.remember({ only: this.isOnly ? "1" : "" });
      this.lay();
    }

    lay() {
      const found = this.found;
      if (!found.rows.length) {
        return swap(this.place, xvc.empty("No versions yet", "A version is a git tag on a run worth keeping.", xvc.command("xvc run --tag minor -- python train.py")));
      }
      const versions = found.rows.flatMap((row) => row.versions);
      const body = this.isOnly ? this.list(versions) : this.graph();
      const had = versions.length > 0;
      swap(this.place, h("div", { class: "page" },
        h("div", { class: "tools flat" }, h("h1", {}, xvc.counted(versions.length, "version")), h("span", { class: "grow" }),
          button(this.isOnly ? "All commits" : "Only versions", () => this.turn())),
        !had && h("p", { class: "dim" }, "None of these commits has a version; `xvc tag minor` gives the last run one."),
        (found.warnings ?? []).map((words) => h("p", { class: "warning" }, xvc.visible(words))),
        body, found.more && button("Show more", () => { this.limit *= 3; xvc.remember({ limit: this.limit }); this.begin(); })));
    }

    graph() {
      const wide = Math.min(this.found.lanes, 14) * STEP + 12;
      return h("div", { class: "graph" }, this.found.rows.map((row, place) => h("div", { class: `graph-row ${row.versions.length ? "has-version" : ""}` },
        lanes(row, this.found.rows[place - 1], wide),
        h("div", { class: "graph-words" },
          row.versions.map((each) => version(each)),
          row.names.map(([kind, name]) => h("span", { class: `ref ${kind}`, title: kind }, xvc.visible(name))),
          h("span", { class: "subject" }, row.versions.length ? told(row.versions[0]) : xvc.visible(row.subject))),
        h("span", { class: "graph-side" }, xvc.visible(row.author), " ", h("code", {}, row.id.slice(0, 8)), " ", xvc.ago(row.at)))));
    }

    list(versions) {
      const metrics = [...new Set(versions.flatMap((each) => Object.keys(each.metrics)))].slice(0, 8);
      return h("div", { class: "scroll" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", {}, "version"), metrics.map((key) => h("th", { class: "num" }, xvc.visible(key))),
        h("th", {}, "message"), h("th", {}, ""))),
      h("tbody", {}, versions.map((each, place) => h("tr", {}, h("td", {}, version(each)),
        metrics.map((key) => h("td", { class: "num" }, number(value(each.metrics[key])))), h("td", {}, xvc.visible(each.subject)),
        h("td", {}, versions[place + 1]?.run && each.run && h("a", { href: xvc.link("compare", { runs: `${versions[place + 1].name},${each.name}` }) }, `what changed since ${versions[place + 1].name}`)))))));
    }

    leave() {
      this.gone = true;
      this.untheme();
    }
  }

  function version(each) {
    return h("a", { class: "version", href: each.run ? xvc.link("run", { id: each.run }) : undefined }, each.name);
  }

  function told(each) {
    return xvc.visible(each.subject);
  }

  /** The lanes of one row: lines come in from the row above and lead to the row below. */
  function lanes(row, above, wide) {
    const x = (lane) => 10 + Math.min(lane, 13) * STEP;
    const middle = HIGH / 2;
    const parts = [];
    for (const [, to] of above?.leads ?? []) {
      parts.push(svg("path", { d: `M${x(to)} 0V${middle}`, stroke: xvc.line(to % 7).colour }));
    }
    for (const [from, to] of row.leads) {
      const bend = from === to ? `M${x(from)} ${middle}V${HIGH}` : `M${x(from)} ${middle}C${x(from)} ${HIGH} ${x(to)} ${middle} ${x(to)} ${HIGH}`;
      parts.push(svg("path", { d: bend, stroke: xvc.line(to % 7).colour }));
    }
    const colour = xvc.line(row.lane % 7).colour;
    const dot = row.versions.length
      ? svg("rect", { x: x(row.lane) - 5, y: middle - 5, width: 10, height: 10, rx: 2, fill: colour, transform: `rotate(45 ${x(row.lane)} ${middle})` })
      : svg("circle", { cx: x(row.lane), cy: middle, r: row.parents.length > 1 ? 3 : 4, fill: colour });
    return svg("svg", { class: "lanes", width: wide, height: HIGH, "aria-hidden": "true" }, parts, dot);
  }

  xvc.pages.versions = { title: () => "Versions", show: (place, words) => new Versions(place, words) };
})();
