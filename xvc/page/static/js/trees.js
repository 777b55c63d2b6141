// Work trees: what is running, what no version holds; an unfinished merge, decided cell by cell.
"use strict";
(() => {
  const { h, swap, button } = xvc;

  class Trees {
    constructor(place) {
      this.place = place;
      this.keys = [["Escape", "back to the runs", () => { location.hash = "#/runs"; }]];
      this.live = xvc.follow(this, ["runs", "refs"], () => this.begin(), 1000);
      this.ready = this.begin();
    }

    async begin() {
      this.found = await xvc.ask("trees");
      if (!this.gone) this.lay();
    }

    get canChange() {
      return !xvc.about.readOnly && !xvc.isFrozen;
    }

    lay() {
      const found = this.found;
      if (!found.trees.length) return swap(this.place, xvc.empty("No work trees", "This project is in no git repository.", xvc.command("xvc init")));
      swap(this.place, h("div", { class: "page" },
        (found.warnings ?? []).map((words) => h("p", { class: "warning" }, xvc.visible(words))),
        found.merge && this.merge(found.merge),
        h("div", { class: "cards" }, found.trees.map((tree) => this.tree(tree))),
        found.trees.length === 1 && h("div", {}, h("p", { class: "dim" }, "Another tree for an experiment beside this one:"), xvc.command("xvc worktree add trial"))));
    }

    tree(tree) {
      return h("section", { class: "card" }, h("h1", {}, xvc.visible(tree.name), tree.here && h("span", { class: "tagword" }, "here"),
        tree.live.length > 0 && xvc.status("running")),
        h("p", { class: "sub" }, [tree.branch ? h("code", {}, xvc.visible(tree.branch)) : "no branch", tree.condition !== "main" && tree.condition !== "ready" && h("b", { class: "bad" }, tree.condition),
          tree.active && `active ${xvc.ago(tree.active)}`, tree.locked !== null && "locked"].map((each) => each && h("span", {}, each))),
        h("p", {}, xvc.counted(tree.runs, "run"), ", ", tree.unsaved > 0 ? h("b", {}, `${xvc.counted(tree.unsaved, "row")} in no version`) : "all in versions",
          tree.changed.length > 0 && `, ${xvc.counted(tree.changed.length, "changed file")}`),
        tree.live.map((run) => h("p", {}, "running: ", h("a", { href: xvc.link("run", { id: run }) }, h("code", {}, run)))),
        h("p", { class: "dim path" }, xvc.visible(tree.path)),
        tree.warnings.map((words) => h("p", { class: "warning" }, xvc.visible(words))),
        tree.condition === "ready" && !tree.here && xvc.command(`xvc worktree merge ${xvc.quoted(tree.name)}`),
        tree.unsaved > 0 && tree.unsavedRuns[0] && xvc.command(tree.here ? `xvc tag minor --run ${tree.unsavedRuns[0]}` : `xvc -C ${xvc.quoted(tree.path)} tag minor --run ${tree.unsavedRuns[0]}`),
        tree.condition === "not adopted" && xvc.command(`xvc worktree adopt ${xvc.quoted(tree.path)}`));
    }

    merge(merge) {
      const can = this.canChange;
      const side = (conflict, name) => h("td", { class: conflict.choice === name ? "chosen" : "" },
        can ? button(shown(conflict[name]), () => this.decide({ ...placeOf(conflict), side: name }), { class: "value", title: `take ${name}: ${full(conflict[name])}` }) : shown(conflict[name]));
      return h("section", { class: "card" }, h("h1", {}, "A merge waits"),
        h("p", { class: "sub" }, [`of ${merge.sources.map(xvc.visible).join(", ")}`, merge.open ? `${merge.open} of ${merge.total} to decide` : "all is decided",
          merge.git && "git has begun it"].map((each) => each && h("span", {}, each))),
        can && h("div", { class: "tools flat" }, button("All ours", () => this.decide({ prefer: "ours" })), button("All theirs", () => this.decide({ prefer: "theirs" })),
          button("The newer", () => this.decide({ prefer: "newest" })), h("span", { class: "grow" }),
          button("Give up", () => this.abort()), button("Merge", () => this.finish(), { class: "main", disabled: merge.open > 0 })),
        h("div", { class: "scroll tall", tabindex: 0 }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["table", "row", "column", "before", "ours", "theirs", "newer"].map((each) => h("th", {}, each)))),
          h("tbody", {}, merge.conflicts.map((each) => h("tr", {}, h("td", {}, xvc.visible(each.table)), h("td", {}, h("code", { class: "short" }, xvc.visible(each.key))),
            h("td", {}, each.column === null ? h("i", {}, "the whole row") : xvc.visible(each.column)), h("td", { class: "dim" }, shown(each.base)), side(each, "ours"), side(each, "theirs"), h("td", {}, each.newer ?? "")))))),
        merge.total > merge.conflicts.length && h("p", { class: "dim" }, `and ${merge.total - merge.conflicts.length} more; decide them at once, or by \`xvc merge --conflicts --json\``));
    }

    decide(words) {
      return this.act(async () => {
        this.found.merge = await xvc.change("decide", words);
        this.lay();
      });
    }

    finish() {
      return this.act(async () => {
        const done = await xvc.change("merge", {});
        const said = done.undecided ? `${done.undecided} more to decide` : done.changed ? "Merged; the next version keeps it" : "There was nothing new";
        xvc.sayUndoable(said, done.operation);
        await this.begin();
      });
    }

    async abort() {
      const isWanted = await xvc.dialog("Give the merge up?", h("p", {}, "What was decided is forgotten. The store was never changed by it."), [["Give up", () => true, "main"]]);
      if (isWanted) await this.act(async () => { await xvc.change("abort", {}); await this.begin(); });
    }

    async act(what) {
      try {
        await what();
      } catch (err) {
        xvc.say(`${err.message}. ${err.hint ?? ""}`, "bad");
      }
    }

    leave() {
      this.gone = true;
    }
  }

  const placeOf = ({ source, table, key, column }) => ({ source, table, key, column: column ?? "" });

  const full = (given) => xvc.visible(typeof given === "string" ? given : JSON.stringify(given));

  function shown(given) {
    if (given === null || given === undefined) return "–";
    const words = typeof given === "string" ? given : JSON.stringify(given);
    return xvc.visible(words.length > 40 ? `${words.slice(0, 39)}…` : words) || "(empty)";
  }

  xvc.pages.trees = { title: () => "Trees", show: (place) => new Trees(place) };
})();
