// The list of runs: metrics first, filter in the language of `--where`, groups, saved views.
"use strict";
(() => {
  const { h, swap, button, value, number, duration, moment } = xvc;
  const FIRST = 40; // rows that are drawn before all have come
  const FACTS = { version: "version", name: "name", status: "status", started: "started", seconds: "took",
    branch: "branch", worktree: "worktree", note: "note", labels: "labels", idea: "idea", decision: "decision" };
  const WIDE = { version: 92, status: 116, started: 146, seconds: 84, branch: 120, worktree: 110, note: 200, labels: 130, idea: 180, decision: 160 };
  const NARROW = 720; // pixels, as in style.css: of a status only its dot is shown
  const SHOWN = ["status", "version", "started", "seconds", "branch", "note"];

  const picked = new Set(); // stays while other pages are looked at

  class Runs {
    constructor(place, words) {
      this.words = words;
      this.rows = new Map();
      this.columns = [];
      this.passing = null;
      this.sparks = new Map();
      this.chosen = words.cols ? words.cols.split("\n") : null;
      this.filter = h("input", { class: "filter", type: "search", spellcheck: "false", autocomplete: "off",
        placeholder: "Filter, like  accuracy > 0.9 and lr < 0.1", "aria-label": "Filter runs", value: words.where ?? "" });
      this.filter.addEventListener("input", xvc.calm(() => this.narrow(), 60));
      this.by = h("select", { "aria-label": "Group by", onchange: () => this.group(this.by.value) });
      this.told = h("div", { class: "told" });
      this.box = h("div", { class: "grid" });
      this.foot = h("div", { class: "selection" });
      this.groups = h("div", { class: "groups" });
      xvc.put(place,
        h("div", { class: "tools" }, this.filter, h("label", {}, "Group ", this.by),
          button("Columns", () => this.choose(), {}), this.views = h("span", { class: "views" })),
        this.told, this.groups, this.box, this.foot);
      this.keys = [
        ["/", "filter", () => this.filter.focus()],
        ["ArrowDown", "into the list", () => this.into()],
        ["j", "next run", () => this.step(1)], ["k", "run before", () => this.step(-1)],
        ["Enter", "open the run", () => this.open()],
        ["x", "select the run", () => this.pick()],
        ["c", "compare those selected", () => this.compare()],
        ["u", "curves of those selected", () => this.curves()],
        ["y", "copy the command", () => this.copy()],
        ["Escape", "select none", () => this.grid?.deselectAll()],
      ];
      this.showViews();
      this.live = xvc.follow(this, ["runs", "refs"], () => this.refresh());
      this.ready = this.begin();
    }

    /** The saved views, and the way to save what is seen. */
    showViews() {
      const held = Object.entries(xvc.about.views ?? {});
      const now = location.hash.replace(/^#\/?/, "");
      const pick = h("select", { "aria-label": "Saved views", onchange: () => { location.hash = `#/${pick.value}`; } },
        h("option", { value: "runs" }, "All runs"),
        held.map(([name, address]) => h("option", { value: address, selected: address === now }, xvc.visible(name))));
      const shown = held.find(([, address]) => address === now)?.[0];
      swap(this.views, held.length > 0 && h("label", {}, "View ", pick),
        !xvc.about.readOnly && !xvc.isFrozen && [button("Save view…", () => this.saveView(), { class: "quiet" }),
          shown && button("Forget view", () => this.keepView(shown, "", `Forgot ${shown}`), { class: "quiet" })]);
    }

    /** Keep a view, or forget it where its address is empty; as it was before is one click away. */
    async keepView(name, address, said) {
      try {
        const done = await xvc.change("view", { name, address });
        const before = xvc.about.views?.[done.name] ?? "";
        xvc.about.views = { ...xvc.about.views, [done.name]: done.address };
        if (!done.address) delete xvc.about.views[done.name];
        this.showViews();
        if (said === null) return;
        const note = xvc.say([said, " ", button("Undo", () => {
          note.remove();
          this.keepView(done.name, before, null);
        }, { class: "undo" })], "undoable");
      } catch (err) {
        xvc.say(`${err.message}. ${err.hint ?? ""}`, "bad");
      }
    }

    async saveView() {
      const name = h("input", { type: "text", placeholder: "A name for it" });
      const wanted = await xvc.dialog("Save this view", h("div", { class: "form" }, name,
        h("p", { class: "dim" }, "Filter, order, columns and groups are kept in xvc.yaml. One of the same name is replaced.")),
      [["Save", () => name.value, "main"]]);
      if (!wanted) return;
      await this.keepView(wanted, location.hash.replace(/^#\/?/, "") || "runs", `Saved as ${wanted}`);
    }

    async begin() {
      await this.load(xvc.isFrozen ? {} : { limit: FIRST });
      if (this.gone) return;
      if (this.total + this.discarded > this.rows.size) await this.loadRest();
      if (this.words.where) await this.narrow();
      if (this.words.by) this.group(this.words.by);
    }

    async load(words) {
      const found = await xvc.ask("runs", asked(this.chosen, words));
      if (this.gone) return;
      const isAnew = this.names !== named(found);
      if (words.since && isAnew) return this.load({});
      this.total = found.total;
      this.revision = found.revision;
      this.elsewhere = found.elsewhere;
      this.discarded = found.discarded;
      this.warnings = found.warnings;
      if (isAnew) this.take(found);
      const news = this.hold(found);
      this.tell();
      if (!this.grid && this.rows.size) await this.loadGrid();
      if (!this.gone) this.fill(news, words);
    }

    /** Load the grid, with the first rows in its place until it is there. */
    async loadGrid() {
      const { where, sort, by } = this.words;
      if (!where && !sort && !by) {
        const rows = [...this.rows.values()].slice(0, FIRST).filter((row) => !row[this.place.get("hidden")]);
        swap(this.box, xvc.firstRows(this.defined(), rows));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      }
      await xvc.library("grid");
    }

    /** Put the other rows behind the first ones; where these have changed meanwhile, all are read. */
    async loadRest() {
      const found = await xvc.ask("runs", asked(this.chosen, { skip: FIRST }));
      if (this.gone) return;
      if (found.revision !== this.revision || named(found) !== this.names) return this.load({});
      this.grid.applyTransaction({ add: this.hold(found).fresh });
      this.pickAgain();
    }

    /** Take the columns that the runs have. */
    take(found) {
      this.names = named(found);
      this.columns = found.columns;
      this.place = new Map();
      xvc.about.facts.forEach((name, place) => this.place.set(name, place));
      found.columns.filter((each) => each.sent).forEach((each, place) =>
        this.place.set(each.name, xvc.about.facts.length + place));
      this.main = found.curve;
      const groupable = [...found.columns.filter((each) => each.of === "params"),
        ...["series", "status", "branch", "worktree", "version"].map((name) => ({ name, key: name }))];
      swap(this.by, h("option", { value: "" }, "none"),
        groupable.map((each) => h("option", { value: each.name, selected: each.name === this.words.by }, each.key)));
    }

    /** Hold what came, and tell which of it is new. */
    hold(found) {
      const news = { fresh: [], changed: [], gone: (found.gone ?? []).map((run) => [run]) };
      for (const row of found.rows) {
        (this.rows.has(row[0]) ? news.changed : news.fresh).push(read(row));
        this.rows.set(row[0], row);
        this.sparks.delete(row[0]);
      }
      for (const [run] of news.gone) this.rows.delete(run);
      return news;
    }

    fill(news, words) {
      if (!this.grid) this.make();
      else if (words.since === undefined) {
        this.grid.setGridOption("columnDefs", this.defined());
        this.grid.setGridOption("rowData", [...this.rows.values()]);
      } else {
        this.grid.applyTransaction({ add: news.fresh, addIndex: 0, update: news.changed, remove: news.gone });
      }
    }

    make() {
      if (!this.rows.size) return this.nothing();
      swap(this.box);
      this.grid = xvc.grid(this.box, {
        columnDefs: this.defined(),
        rowData: [...this.rows.values()],
        getRowId: (row) => row.data[0],
        rowSelection: { mode: "multiRow", checkboxes: true, headerCheckbox: true, selectAll: "filtered",
          enableClickSelection: false },
        selectionColumnDef: { pinned: innerWidth > NARROW ? "left" : null, width: 44, resizable: false, suppressHeaderMenuButton: true },
        isExternalFilterPresent: () => true,
        doesExternalFilterPass: (row) => (this.passing ? this.passing.has(row.data[0]) : !row.data[this.place.get("hidden")]),
        onSelectionChanged: () => this.selection(),
        onRowDoubleClicked: (event) => this.open(event.data[0]),
        onCellKeyDown: ({ event, data }) => {
          if (event.key === "Enter") this.open(data[0]);
        },
        onSortChanged: () => this.sorted(),
        onViewportChanged: () => this.draw(),
        onBodyScrollEnd: () => this.draw(),
        onFirstDataRendered: () => { this.box.dataset.drawn = "yes"; this.pickAgain(); this.draw(); },
        onModelUpdated: () => this.draw(),
      });
    }

    nothing() {
      const [title, words, steps] = this.elsewhere
        ? ["No runs here yet", this.elsewhere, "xvc pull"]
        : ["No runs yet", "Run something, and it appears here while it runs.", "xvc run -- python train.py"];
      swap(this.box, xvc.empty(title, words, xvc.command(steps)));
    }

    defined() {
      const sort = (this.words.sort ?? "").split("~");
      const metrics = this.columns.filter((each) => each.of === "metrics");
      const params = this.columns.filter((each) => each.of === "params");
      const columns = [this.named(), this.fact("status"), ...metrics.map((each) => this.column(each)),
        ...(this.main ? [this.spark()] : []), ...params.map((each) => this.column(each)),
        ...SHOWN.slice(1).map((name) => this.fact(name)), ...["labels", "idea", "decision", "worktree"].map((name) => this.fact(name))];
      for (const column of columns) {
        if (column.colId === sort[0]) column.sort = sort[1] === "desc" ? "desc" : "asc";
      }
      return columns;
    }

    isShown(name, normally) {
      return this.chosen ? this.chosen.includes(name) : normally;
    }

    named() {
      return { colId: "name", headerName: "run", comparator: (a, b, one, other, isDescending) => xvc.order(a, b, isDescending, 0) || byId(one.data, other.data, isDescending), pinned: innerWidth > NARROW ? "left" : null, width: innerWidth > NARROW ? 178 : 132, minWidth: 110,
        valueGetter: (row) => row.data[this.place.get("name")] ?? row.data[0],
        cellRenderer: ({ data }) => {
          const name = data[this.place.get("name")];
          return h("a", { class: "run-name", href: xvc.link("run", { id: data[0] }), tabindex: "-1" },
            name ? [xvc.visible(name), h("small", {}, data[0].slice(0, 6))] : h("code", {}, data[0]));
        } };
    }

    fact(name) {
      const column = { colId: name, headerName: FACTS[name], width: WIDE[name], hide: !this.isShown(name, SHOWN.includes(name)),
        field: String(this.place.get(name)) };
      if (name === "status") column.cellRenderer = ({ value: given }) => xvc.status(given);
      if (name === "status" && innerWidth <= NARROW) Object.assign(column, { width: 40, headerName: "", cellClass: "only-dot" });
      if (name === "started") column.valueFormatter = ({ value: given }) => moment(given);
      if (name === "seconds") Object.assign(column, { type: "rightAligned", valueFormatter: ({ value: given }) => duration(given) });
      if (name === "started" || name === "seconds") column.sortingOrder = ["desc", "asc", null];
      if (name === "version") column.comparator = xvc.natural;
      else column.comparator = (a, b, one, other, isDescending) => xvc.order(a, b, isDescending, 0) || byId(one.data, other.data, isDescending);
      if (name === "version") column.cellRenderer = ({ value: given }) => given && h("span", { class: "version" }, given);
      if (["note", "branch", "labels", "idea", "decision", "worktree"].includes(name)) column.valueFormatter = ({ value: given }) => xvc.visible(given ?? "");
      return column;
    }

    column(each) {
      const at = this.place.get(each.name);
      const held = this.first(at);
      const isNumber = typeof held === "number" || typeof held === "bigint";
      const better = each.direction === "min" ? ["asc", "desc", null] : ["desc", "asc", null];
      return { colId: each.name, headerName: xvc.visible(each.key), hide: !this.isShown(each.name, each.shown), minWidth: 76,
        width: Math.max(96, Math.min(220, each.key.length * 8 + 44)), sortingOrder: better,
        headerClass: isNumber ? "ag-right-aligned-header" : "",
        cellClass: [each.of === "metrics" ? "metric" : "param", isNumber ? "ag-right-aligned-cell" : ""],
        comparator: (a, b, one, other, isDescending) => (each.of === "metrics" && this.ranked(one, other, isDescending))
          || xvc.order(a, b, isDescending, this.older(one.data, other.data)),
        field: String(at),
        valueFormatter: ({ value: given }) => xvc.visible(number(given)) };
    }

    /** Runs that were judged otherwise come behind those that were not, whatever they have reached. */
    ranked(one, other, isDescending) {
      const at = this.place.get("otherwise");
      return (one.data[at] - other.data[at]) * (isDescending ? -1 : 1);
    }

    /** Below 0 where the first run is the older one: of equals it leads, as in `xvc ls --sort`. */
    older(one, other) {
      const at = this.place.get("started");
      return (one[at] ?? 0) - (other[at] ?? 0) || byId(one, other);
    }

    /** The first value that any run has in a column. */
    first(at) {
      for (const row of this.rows.values()) {
        if (row[at] !== null && row[at] !== undefined) return row[at];
      }
      return null;
    }

    spark() {
      return { colId: "curve", headerName: xvc.visible(this.main), width: 120, sortable: false,
        hide: !this.isShown("curve", true), cellClass: "spark-cell",
        valueGetter: (row) => row.data[0],
        cellRenderer: ({ data }) => {
          const held = this.sparks.get(data[0]);
          return held ? xvc.sparkline(held.x, held.y) : h("span", {});
        } };
    }

    /** Ask for the small curves of the rows that are seen. */
    draw() {
      if (!this.main || this.drawing || xvc.isFrozen) return;
      this.drawing = setTimeout(async () => {
        this.drawing = 0;
        if (this.gone || !this.grid || !this.isShown("curve", true)) return;
        const seen = this.grid.getRenderedNodes().map((node) => node.data?.[0]).filter(Boolean);
        const missing = seen.filter((run) => !this.sparks.has(run));
        if (!missing.length) return;
        for (const run of missing) this.sparks.set(run, null);
        const found = await xvc.ask("curves", { runs: missing.join(","), key: this.main, intervals: 24 }).catch(() => null);
        if (this.gone || !found) return;
        for (const curve of found.curves) this.sparks.set(curve.run, curve.x.length > 1 ? curve : null);
        const nodes = missing.filter((run) => this.sparks.get(run)).map((run) => this.grid.getRowNode(run)).filter(Boolean);
        if (nodes.length) this.grid.refreshCells({ rowNodes: nodes, columns: ["curve"], force: true });
      }, 60);
    }

    tell() {
      const running = [...this.rows.values()].filter((row) => row[this.place.get("status")] === "running").length;
      const some = this.passing ? `${xvc.thousands(this.passing.size)} of ` : "";
      swap(this.told, h("span", {}, `${some}${xvc.counted(this.total ?? 0, "run")}`),
        this.discarded > 0 && !this.passing && button(`${this.discarded} discarded`, () => {
          this.filter.value = "decision ~ 'discarded'";
          this.narrow();
        }, { class: "quiet tiny" }),
        running > 0 && h("span", { class: "is-running" }, `${running} running`),
        (this.warnings ?? []).map((words) => h("span", { class: "warned", title: words }, words)));
    }

    async narrow() {
      const words = this.filter.value.trim();
      xvc.remember({ where: words });
      if (!words) {
        this.passing = null;
        this.filter.classList.remove("bad");
      } else {
        try {
          const found = await xvc.ask("where", { filter: words });
          if (this.gone || this.filter.value.trim() !== words) return;
          this.passing = new Set(found.ids);
          this.filter.classList.remove("bad");
        } catch (err) {
          if (this.gone || !(err instanceof xvc.Refused)) throw err;
          this.filter.classList.add("bad");
          swap(this.told, h("span", { class: "bad" }, err.message), h("span", {}, err.hint));
          return;
        }
      }
      this.grid?.onFilterChanged();
      this.tell();
      if (this.words.by) this.group(this.words.by);
    }

    async group(by) {
      this.words.by = by;
      xvc.remember({ by });
      if (!by) {
        this.box.classList.remove("hidden");
        return swap(this.groups);
      }
      const asked = { by, filter: this.filter.value.trim(), baseline: this.words.base };
      const found = await xvc.ask("groups", asked).catch((err) => ({ error: err }));
      if (this.gone || this.words.by !== by) return;
        if (found.error && this.filter.classList.contains("bad")) return;
      if (found.error) return swap(this.groups, xvc.empty(found.error.message, found.error.hint ?? ""));
      this.box.classList.add("hidden");
      swap(this.groups, this.grouped(found));
    }

    grouped(found) {
      const metric = found.groups.find((each) => each.metric)?.metric;
      const means = found.groups.flatMap((each) => {
        const [mean, sd] = [value(each.mean), value(each.sd) ?? 0];
        return Number.isFinite(mean) ? [mean - sd, mean + sd] : [];
      });
      const [low, high] = [Math.min(...means), Math.max(...means)];
      const rows = found.groups.map((each) => {
        const mean = value(each.mean), sd = value(each.sd);
        const isBase = JSON.stringify(each.value) === this.words.base;
        return h("tr", { class: isBase ? "base" : "" },
          h("td", {}, this.linked(found.by, each.value)),
          h("td", { class: "num" }, each.runs),
          h("td", { class: "num" }, each.n),
          h("td", { class: "num" }, number(mean), sd !== null && h("small", {}, ` ± ${number(sd)}`)),
          h("td", {}, Number.isFinite(mean) && interval(mean, sd ?? 0, low, high)),
          h("td", { class: "num" }, number(value(each.best))),
          h("td", {}, each.verdict ? verdict(each.verdict) : this.words.base && !isBase && each.isMixed
            ? h("small", { title: "They differ in more than their seed, so their spread is not noise." }, "not repeats of one experiment") : ""),
          h("td", {}, !xvc.isFrozen && button(isBase ? "Baseline" : "Pin", () => this.pin(isBase ? null : each.value), { class: isBase ? "on" : "quiet" })));
      });
      return [(found.warnings ?? []).map((words) => h("p", { class: "warning" }, words)), h("table", { class: "plain" },
        h("thead", {}, h("tr", {}, h("th", {}, xvc.visible(found.by.replace(/^(params|metrics)\./, ""))), h("th", { class: "num" }, "runs"),
          h("th", { class: "num" }, "n"), h("th", { class: "num" }, metric ? `${metric}, mean ± sd` : ""), h("th", {}, ""),
          h("th", { class: "num" }, "best"), h("th", {}, "against the baseline"), h("th", {}, ""))),
        h("tbody", {}, rows))];
    }

    pin(given) {
      this.words.base = given === null ? "" : JSON.stringify(given);
      xvc.remember({ base: this.words.base });
      this.group(this.words.by);
    }

    /** What the runs of a group share, with the way to their list where a filter can say it. */
    linked(by, given) {
      const where = this.only(by, given), words = xvc.visible(number(value(given)) || "none");
      return where === null ? words : h("a", { href: xvc.link("runs", { where }) }, words);
    }

    /** Write the filter for the runs of one group; the number is whole, not as it is shown. */
    only(by, given) {
      const key = /^[^\W\d][\w./-]*$/u.test(by) ? by : `\`${by.replaceAll("`", "``")}\``;
      const read = value(given);
      if (read === null) return `not ${key} or ${key} == null`;
      if (typeof read === "object" || Number.isNaN(read)) return null;
      const words = typeof read === "string" ? `'${read.replaceAll("'", "''")}'` : typeof read === "number" && Number.isFinite(read) ? String(read) : number(read);
      return `${key} == ${words}`;
    }

    async choose() {
      const boxes = new Map();
      const list = (title, columns) => [h("h3", {}, title), columns.map(([name, label, shown]) => {
        const box = h("input", { type: "checkbox", checked: this.isShown(name, shown) });
        boxes.set(name, box);
        return h("label", { class: "choice", "data-words": label.toLowerCase() }, box, xvc.visible(label));
      })];
      const of = (kind) => this.columns.filter((each) => each.of === kind).map((each) => [each.name, each.key, each.shown]);
      const body = h("div", { class: "choices" }, list("Metrics", [...of("metrics"), ...(this.main ? [["curve", `curve of ${this.main}`, true]] : [])]),
        list("Params", of("params")), list("Facts", Object.keys(FACTS).filter((name) => name !== "name").map((name) => [name, FACTS[name], SHOWN.includes(name)])));
      const search = h("input", { type: "search", placeholder: "Find a column", oninput: () => {
        for (const each of body.querySelectorAll(".choice")) {
          each.classList.toggle("hidden", !each.dataset.words.includes(search.value.toLowerCase()));
        }
      } });
      const chosen = await xvc.dialog("Columns", [search, body], [
        ["As usual", () => "usual"], ["Show", () => [...boxes].filter(([, box]) => box.checked).map(([name]) => name), "main"]]);
      if (!chosen) return;
      this.chosen = chosen === "usual" ? null : chosen;
      xvc.remember({ cols: this.chosen?.join("\n") ?? "" });
      this.names = "";
      await this.load({});
    }

    selected() {
      return this.grid?.getSelectedRows().map((row) => row[0]) ?? [];
    }

    /** Select what was selected when the list was last left. */
    pickAgain() {
      const nodes = [...picked].map((run) => this.grid.getRowNode(run)).filter(Boolean);
      if (nodes.length) this.grid.setNodesSelected({ nodes, newValue: true });
    }

    selection() {
      const runs = this.selected();
      for (const run of this.rows.keys()) picked.delete(run);
      for (const run of runs) picked.add(run);
      this.foot.classList.toggle("on", runs.length > 0);
      if (!runs.length) return;
      swap(this.foot, h("b", {}, `${runs.length} selected`),
        runs.length > 1 && button("Compare", () => this.compare(), { class: "main" }),
        button("Curves", () => this.curves()),
        runs.length === 1 && !xvc.about.readOnly && !xvc.isFrozen && button("Tag…", () => this.tag(runs[0])),
        !xvc.about.readOnly && !xvc.isFrozen && [button("Note…", () => xvc.noteDialog(runs)), button("Keep", () => xvc.decide("keep", runs)),
          button("Discard…", () => xvc.decide("discard", runs))],
        button("Copy command", () => this.copy()),
        button("Select none", () => this.grid.deselectAll(), { class: "quiet" }));
    }

    compare() {
      const runs = this.selected();
      if (runs.length > 1) location.hash = xvc.link("compare", { runs: runs.join(",") });
    }

    curves() {
      const runs = this.selected();
      location.hash = xvc.link("curves", runs.length ? { runs: runs.join(",") } : { where: this.filter.value.trim() });
    }

    copy() {
      const runs = this.selected(), words = this.filter.value.trim();
      if (runs.length > 1) xvc.copy(`xvc compare ${runs.join(" ")}`);
      else if (runs.length) xvc.copy(`xvc show ${runs[0]}`);
      else xvc.copy(`xvc ls${words ? ` --where ${xvc.quoted(words)}` : ""}`);
    }

    async tag(run) {
      await xvc.tagDialog(run);
    }

    at() {
      return this.grid?.getFocusedCell();
    }

    into() {
      if (this.grid && !this.at()) this.step(0);
    }

    step(by) {
      if (!this.grid) return;
      const row = Math.max(0, Math.min(this.grid.getDisplayedRowCount() - 1, (this.at()?.rowIndex ?? 0) + by));
      this.grid.ensureIndexVisible(row);
      this.grid.setFocusedCell(row, "name");
    }

    focused() {
      const cell = this.at();
      return cell ? this.grid.getDisplayedRowAtIndex(cell.rowIndex) : null;
    }

    open(run) {
      const id = run ?? this.focused()?.data[0];
      if (id) location.hash = xvc.link("run", { id });
    }

    pick() {
      const node = this.focused();
      node?.setSelected(!node.isSelected());
    }

    sorted() {
      const [first] = this.grid.getColumnState().filter((each) => each.sort);
      xvc.remember({ sort: first ? `${first.colId}~${first.sort}` : "" });
    }

    /** Ask for what changed. */
    async refresh() {
      await this.load(this.revision ? { since: this.revision } : {});
      if (this.passing) await this.narrow();
    }

    leave() {
      this.gone = true;
      clearTimeout(this.drawing);
      this.grid?.destroy();
    }
  }

  const byId = (one, other, isDescending) => (one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0) * (isDescending ? -1 : 1);

  const asked = (chosen, words) => (chosen ? { ...words, columns: chosen.join("\n") } : words);

  /** Take the values of a row off the wire, in place. */
  function read(row) {
    for (let at = 0; at < row.length; at += 1) {
      if (row[at] !== null && typeof row[at] === "object") row[at] = value(row[at]);
    }
    return row;
  }

  const named = (found) => [found.curve, ...found.columns.map((each) => each.name + each.sent)].join("\n");

  function interval(mean, sd, low, high, width = 160) {
    const { svg } = xvc;
    const at = (x) => (high > low ? 6 + ((x - low) / (high - low)) * (width - 12) : width / 2).toFixed(1);
    return svg("svg", { class: "interval", width, height: 18 },
      svg("line", { class: "rail", x1: 4, x2: width - 4, y1: 9, y2: 9 }),
      svg("line", { x1: at(mean - sd), x2: at(mean + sd), y1: 9, y2: 9 }), svg("circle", { cx: at(mean), cy: 9, r: 3.5 }));
  }

  function verdict(each) {
    const kind = { better: "good", worse: "bad", "within noise": "even", "not enough runs": "few" }[each.verdict] ?? "even";
    const more = each.p === null || each.p === undefined ? "" : ` p ${each.p < 0.001 ? "< 0.001" : `= ${each.p.toFixed(3)}`}`;
    return h("span", { class: `verdict ${kind}` }, each.verdict, h("small", {}, more));
  }

  /** A status with its dot. */
  function status(given) {
    return h("span", { class: `status ${given}`, title: given }, h("i", {}), h("span", {}, given));
  }

  Object.assign(xvc, { status, verdict });
  function foresee(words) {
    xvc.foresee("runs", asked(words.cols ? words.cols.split("\n") : null, { limit: FIRST }));
    xvc.preload("grid");
  }

  xvc.pages.runs = { title: () => "Runs", foresee, show: (place, words) => new Runs(place, words) };
})();
