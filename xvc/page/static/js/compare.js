// Runs beside each other: what differs, what is noise, the code of each file side by side.
"use strict";
(() => {
  const { h, swap, button, value, number, size } = xvc;

  class Compare {
    constructor(place, words) {
      this.place = place;
      this.runs = (words.runs ?? "").split(",").filter(Boolean);
      this.isWhole = words.all === "1";
      this.charts = [];
      this.keys = [
        ["Escape", "back to the runs", () => { location.hash = "#/runs"; }],
        ["a", "all, or only what differs", () => this.turn()],
        ["y", "copy the command", () => xvc.copy(this.words())],
      ];
      this.ready = this.begin();
    }

    words() {
      return `xvc compare ${this.runs.map(xvc.quoted).join(" ")}`;
    }

    async begin() {
      if (this.runs.length < 2) {
        return swap(this.place, xvc.empty("Nothing to compare yet", "Choose two or more runs in the list and press c.",
          h("a", { href: "#/runs" }, "To the runs")));
      }
      this.found = await xvc.ask("compare", { runs: this.runs.join(",") });
      if (this.gone) return;
      this.lay();
      await Promise.all([this.draw(), this.showData()]);
    }

    turn() {
      this.isWhole = !this.isWhole;
      xvc.remember({ all: this.isWhole ? "1" : "" });
      if (this.found) this.lay(true);
    }

    lay(isAgain) {
      const found = this.found;
      this.pictures ??= h("div", { class: "pictures" });
      this.files ??= h("section", { class: "card" });
      const code = this.code();
      const body = h("div", { class: "page" },
        h("div", { class: "tools flat" }, h("h1", {}, `${found.runs.length} runs compared`), h("span", { class: "grow" }),
          button(this.isWhole ? "Only differences" : "Show all", () => this.turn()), xvc.command(this.words())),
        found.warnings.map((words) => h("p", { class: "warning" }, xvc.visible(words))),
        this.verdicts(),
        h("div", { class: "scroll" }, h("table", { class: "plain compare" }, h("thead", {}, this.head()),
          this.part("Metrics", found.metrics, (row) => this.metric(row)),
          this.part("Params", found.params, (row) => this.plain(row)),
          this.part("Data", found.data, (row) => this.data(row)),
          this.part("Environment", found.packages, (row) => this.plain(row)))),
        this.files, this.pictures, code);
      swap(this.place, body);
      if (isAgain) for (const chart of this.charts) chart.resize();
    }

    head() {
      return h("tr", {}, h("th", {}, ""), this.found.runs.map((run, place) => h("th", { class: "num" },
        h("a", { href: xvc.link("run", { id: run.id }) }, run.version ?? (run.name ? xvc.visible(run.name) : h("code", {}, run.id))),
        h("div", { class: "dim" }, place === 0 ? "baseline" : button("make baseline", () => this.rebase(place), { class: "quiet tiny" })))));
    }

    rebase(place) {
      const runs = [this.runs[place], ...this.runs.filter((_, at) => at !== place)];
      location.hash = xvc.link("compare", { runs: runs.join(","), all: this.isWhole ? "1" : "" });
    }

    part(title, rows, cells) {
      const shown = this.isWhole ? rows : rows.filter((row) => !row.same);
      if (!shown.length) return rows.length ? h("tbody", {}, h("tr", { class: "part" }, h("th", { colspan: this.found.runs.length + 1 }, `${title}: the same`))) : null;
      const left = rows.length - shown.length;
      return h("tbody", {}, h("tr", { class: "part" }, h("th", { colspan: this.found.runs.length + 1 }, title,
        left > 0 && h("small", {}, ` and ${left} that ${left === 1 ? "is" : "are"} the same`))),
        shown.map((row) => h("tr", {}, h("th", {}, xvc.visible(row.key ?? row.path),
          row.direction && h("span", { class: "direction", title: `${row.direction} is better` }, row.direction === "max" ? " ↑" : " ↓")), cells(row))));
    }

    metric(row) {
      return row.values.map((cell, place) => h("td", { class: `num ${row.best === place ? "best" : ""}` },
        cell.length ? xvc.visible(number(value(cell[0]))) : h("span", { class: "dim" }, "–"), change(row, place)));
    }

    plain(row) {
      return row.values.map((cell) => h("td", { class: "num" },
        cell.length ? xvc.visible(number(value(cell[0])) || "null") : h("span", { class: "dim" }, "–")));
    }

    data(row) {
      return row.files.map((file) => h("td", { class: "num" }, file
        ? [h("code", {}, xvc.visible((file.digest ?? "").slice(0, 10))), " ", size(file.size)] : h("span", { class: "dim" }, "–")));
    }

    /** The files of data that are not the same, with sizes and rows. */
    async showData() {
      if (this.found.data.every((row) => row.same)) return;
      const found = await xvc.ask("data", { runs: this.runs.join(",") }).catch(() => null);
      if (this.gone || !found?.files.length) return;
      const cell = (part, first, place) => [
        h("td", { class: "num" }, part ? size(part.size) || "?" : h("span", { class: "dim" }, "–")),
        h("td", { class: "num" }, part?.rows !== null && part?.rows !== undefined ? [xvc.thousands(part.rows), place > 0 && grown(part.rows, first?.rows)] : ""),
      ];
      swap(this.files, h("h2", {}, "Files of data that differ"),
        found.unseen.length > 0 && h("p", { class: "dim" }, `${found.unseen.map(xvc.visible).join(", ")}: only the digest is here; \`xvc pull\` brings the rest`),
        h("div", { class: "scroll" }, h("table", { class: "plain" },
          h("thead", {}, h("tr", {}, h("th", {}, "file"), this.found.runs.map((run) => [h("th", { class: "num" }, named(run)), h("th", { class: "num" }, "rows")]))),
          h("tbody", {}, found.files.map((each) => h("tr", {}, h("td", {}, xvc.visible(each.path)), each.parts.map((part, place) => cell(part, each.parts[0], place))))))),
        found.total > found.files.length && h("p", { class: "dim" }, `and ${xvc.thousands(found.total - found.files.length)} more`));
    }

    /** What repeats say: the difference with its interval, in a word. */
    verdicts() {
      const rows = this.found.verdicts.flatMap((told, place) => told.map((each) => ({ ...each, run: this.found.runs[place + 1] })));
      if (!rows.length) return null;
      const ends = (metric) => rows.filter((each) => each.metric === metric)
        .flatMap((each) => [value(each.low), value(each.high), value(each.difference), 0]).filter(Number.isFinite);
      const several = this.found.runs.length > 2;
      return h("section", { class: "card" }, h("h2", {}, "Against the baseline, with repeats"),
        h("div", { class: "scroll" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", {}, "metric"), several && h("th", {}, "run"),
          h("th", { class: "num" }, "baseline"), h("th", { class: "num" }, "this"), h("th", { class: "num" }, "difference"), h("th", {}, "95 % interval"), h("th", {}, "verdict"))),
        h("tbody", {}, rows.map((each) => h("tr", {}, h("td", {}, xvc.visible(each.metric)),
          several && h("td", {}, each.run.version ?? h("code", {}, each.run.id)),
          [0, 1].map((side) => h("td", { class: "num" }, number(value(each.means[side])),
            h("small", {}, each.sds[side] === null ? ` n = ${each.n[side]}` : ` ± ${number(value(each.sds[side]))}, n = ${each.n[side]}`))),
          h("td", { class: "num" }, signed(value(each.difference))),
          h("td", {}, interval(value(each.low), value(each.high), value(each.difference), Math.min(...ends(each.metric)), Math.max(...ends(each.metric)))),
          h("td", {}, xvc.verdict(each), each.more && h("small", {}, `, ${each.more} more would show it`))))))));
    }

    code() {
      const parts = this.found.code.map((files, place) => ({ files, run: this.found.runs[place + 1] })).filter((each) => each.files.length);
      if (!parts.length) return null;
      return h("section", { class: "card" }, h("h2", {}, "Code"), parts.map(({ files, run }) => [
        this.found.runs.length > 2 && h("h3", {}, run.version ?? run.id),
        files.map((file) => this.file(run, file))]));
    }

    file(run, file) {
      const body = h("div", {});
      const box = h("details", { class: "code-file", ontoggle: async () => {
        if (!box.open || body.childNodes.length) return;
        const found = await xvc.ask("difference", { runs: [this.found.runs[0].id, run.id].join(","), path: file.path }).catch((err) => ({ error: err }));
        if (this.gone) return;
        swap(body, found.error ? h("p", { class: "dim" }, found.error.message) : xvc.sideBySide(found.patch));
      } }, h("summary", {}, h("code", {}, xvc.visible(file.path)),
        file.added === null ? h("small", {}, " binary") : [h("small", { class: "good" }, ` +${file.added}`), h("small", { class: "bad" }, ` −${file.removed}`)]), body);
      return box;
    }

    /** Curves of the metrics that the runs share, over each other. */
    async draw() {
      const runs = this.found.runs.map((run) => run.id);
      const keys = this.found.metrics.map((row) => row.key).slice(0, 16);
      const found = keys.length ? (await xvc.ask("curves", { runs: runs.join(","), keys: keys.join("\n"), intervals: 400 })).drawn : [];
      if (this.gone) return;
      const drawn = found.filter((each) => each.key !== each.x && each.curves.some((curve) => curve.x.length > 1));
      this.charts = drawn.map((each) => {
        const chart = new xvc.LineChart({ title: xvc.visible(each.key), xName: each.x, group: "compare", height: 200 });
        chart.show(each.curves.map((curve) => {
          const place = runs.indexOf(curve.run), run = this.found.runs[place];
          return { label: run.version ?? run.name ?? run.id, x: curve.x, y: curve.y, place };
        }));
        return chart;
      });
      swap(this.pictures, this.charts.map((chart) => chart.place));
    }

    leave() {
      this.gone = true;
      for (const chart of this.charts) chart.leave();
    }
  }

  const named = (run) => run.version ?? (run.name ? xvc.visible(run.name) : run.id);

  /** How many rows more, or fewer, than the first run had. */
  function grown(rows, before) {
    if (before === null || before === undefined || rows === before) return null;
    return h("div", { class: "change dim" }, `${rows > before ? "+" : "−"}${xvc.thousands(Math.abs(rows - before))}`);
  }

  function change(row, place) {
    const delta = value(row.delta[place]);
    if (delta === null || delta === undefined || delta === 0) return null;
    const percent = value(row.percent[place]);
    const isBetter = row.direction && (row.direction === "max") === delta > 0;
    const kind = row.direction ? (isBetter ? "good" : "bad") : "dim";
    return h("div", { class: `change ${kind}` }, signed(delta), percent !== null && ` (${percent > 0 ? "+" : percent < 0 ? "−" : ""}${Math.abs(percent).toFixed(1)} %)`);
  }

  const signed = (given) => (given > 0 ? `+${number(given)}` : number(given).replace("-", "−"));

  function interval(low, high, at, least, most, width = 170) {
    const { svg } = xvc;
    if (low === null) return h("span", { class: "dim" }, "");
    const x = (given) => (most > least ? 6 + ((given - least) / (most - least)) * (width - 12) : width / 2).toFixed(1);
    return svg("svg", { class: "interval", width, height: 18, role: "img" },
      svg("title", {}, `${number(low)} to ${number(high)}`),
      svg("line", { class: "rail", x1: 4, x2: width - 4, y1: 9, y2: 9 }), svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 2, y2: 16 }),
      svg("line", { x1: x(low), x2: x(high), y1: 9, y2: 9 }), svg("circle", { cx: x(at), cy: 9, r: 3.5 }));
  }

  /** Show a unified diff of one file as two columns; what differs within a line is marked. */
  function sideBySide(text) {
    const rows = [];
    let minus = [], plus = [], left = 0, right = 0;
    const flush = () => {
      for (let at = 0; at < Math.max(minus.length, plus.length); at += 1) {
        rows.push(pair(minus[at], plus[at]));
      }
      minus = [];
      plus = [];
    };
    for (const line of text.replace(/\n$/, "").split("\n")) {
      if (/^(--- |\+\+\+ |diff |index )/.test(line) && !left && !right) continue;
      const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)/.exec(line);
      if (hunk) {
        flush();
        [left, right] = [Number(hunk[1]), Number(hunk[2])];
        rows.push(h("tr", { class: "hunk" }, h("td", { colspan: 4 }, xvc.visible(line))));
      } else if (line[0] === "-") minus.push([left++, line.slice(1)]);
      else if (line[0] === "+") plus.push([right++, line.slice(1)]);
      else if (line[0] === " ") {
        flush();
        rows.push(pair([left++, line.slice(1)], [right++, line.slice(1)], true));
      }
    }
    flush();
    if (!rows.length) return h("p", { class: "dim" }, "No lines to show.");
    return h("div", { class: "scroll" }, h("table", { class: "sides" }, h("colgroup", {}, ["narrow", "", "narrow", ""].map((each) => h("col", { class: each }))), h("tbody", {}, rows)));
  }

  function pair(old, now, isSame) {
    const [a, b] = [old?.[1], now?.[1]];
    const parts = !isSame && a !== undefined && b !== undefined ? apart(a, b) : null;
    const side = (given, kind, marked) => [
      h("td", { class: "line-number" }, given?.[0] ?? ""),
      h("td", { class: `line ${isSame || !given ? "" : kind}` }, given && (marked ? marked.map(([words, isNew]) =>
        (isNew ? h("mark", {}, xvc.visible(words)) : xvc.visible(words))) : xvc.visible(given[1])))];
    return h("tr", {}, side(old, "minus", parts?.[0]), side(now, "plus", parts?.[1]));
  }

  /** Split two lines into what they share at both ends and what is between. */
  function apart(a, b) {
    let head = 0, tail = 0;
    const most = Math.min(a.length, b.length);
    while (head < most && a[head] === b[head]) head += 1;
    while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
    if (head + tail < most * 0.3) return null;
    return [a, b].map((line) => [[line.slice(0, head), false], [line.slice(head, line.length - tail), true], [line.slice(line.length - tail), false]]
      .filter(([words]) => words));
  }

  Object.assign(xvc, { sideBySide });
  xvc.pages.compare = { title: () => "Compare", show: (place, words) => new Compare(place, words) };
})();
