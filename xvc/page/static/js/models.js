// Models: what is in which stage and why, who might be, promote and roll back with the plan first.
"use strict";
(() => {
  const { h, swap, button, value, number, size } = xvc;

  class Models {
    constructor(place) {
      this.place = place;
      this.keys = [["Escape", "back to the runs", () => { location.hash = "#/runs"; }]];
      this.live = xvc.follow(this, ["refs"], () => this.begin(), 1000);
      this.ready = this.begin();
    }

    async begin() {
      this.found = await xvc.ask("models");
      if (this.gone) return;
      if (!this.found.models.length) {
        return swap(this.place, xvc.empty("No models yet", "Keep what a run makes as a model, and promote the best.",
          xvc.command("xvc run --model model.pkl -- python train.py"), xvc.command("xvc model promote best:accuracy")));
      }
      swap(this.place, h("div", { class: "page" }, (this.found.warnings ?? []).map((words) => h("p", { class: "warning" }, xvc.visible(words))),
        this.found.models.map((model) => this.model(model))));
    }

    get canChange() {
      return !xvc.about.readOnly && !xvc.isFrozen;
    }

    model(model) {
      return h("section", { class: "card model" }, h("h1", {}, model.name),
        h("div", { class: "stages" }, model.stages.map((each) => h("div", { class: "stage" }, h("h2", {}, each.stage),
          h("p", { class: "big" }, each.run ? h("a", { href: xvc.link("run", { id: each.run }) }, each.version || h("code", {}, each.run)) : each.version || "by hand"),
          h("p", { class: "dim" }, [each.action, each.by && `by ${xvc.visible(each.by)}`, xvc.ago(each.at)].filter(Boolean).join(", ")),
          metrics(each.metrics), gates(each.gates),
          this.canChange && button("Roll back…", () => this.rollBack(model.name, each.stage))))),
        !model.stages.length && h("p", { class: "dim" }, "In no stage yet."),
        h("h3", {}, xvc.counted(model.candidates.length, "candidate")), this.candidates(model),
        model.history.length > 0 && h("details", {}, h("summary", {}, `History: ${xvc.counted(model.history.length, "change")}`), this.history(model)));
    }

    candidates(model) {
      const keys = [...new Set(model.candidates.flatMap((each) => Object.keys(each.metrics)))].slice(0, 6);
      if (!model.candidates.length) return null;
      return h("div", { class: "scroll" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", {}, "run"), keys.map((key) => h("th", { class: "num" }, xvc.visible(key))),
        h("th", { class: "num" }, "size"), h("th", {}, "made"), h("th", {}, "in"), h("th", {}, ""))),
      h("tbody", {}, model.candidates.map((each) => h("tr", {},
        h("td", {}, h("a", { href: xvc.link("run", { id: each.run }) }, each.version ?? h("code", {}, each.run))),
        keys.map((key) => h("td", { class: "num" }, number(value(each.metrics[key])))), h("td", { class: "num" }, size(each.size)),
        h("td", {}, each.at ? xvc.ago(each.at) : ""), h("td", {}, each.stages.map((stage) => h("span", { class: "tagword" }, stage)), !each.here && h("small", {}, " pruned")),
        h("td", {}, this.canChange && each.here && button("Promote…", () => this.promote(model, each), { class: "quiet" })))))));
    }

    history(model) {
      return h("div", { class: "scroll" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["#", "stage", "what", "version", "before", "by", "when", "gates"].map((each) => h("th", {}, each)))),
        h("tbody", {}, model.history.map((each) => h("tr", {}, h("td", {}, each.number), h("td", {}, each.stage), h("td", {}, each.away ? "taken out" : each.action),
          h("td", {}, each.run ? h("a", { href: xvc.link("run", { id: each.run }) }, each.version || h("code", {}, each.run)) : each.version), h("td", {}, each.previous),
          h("td", {}, xvc.visible(each.by ?? "")), h("td", {}, xvc.moment(each.at)), h("td", {}, gates(each.gates)))))));
    }

    async promote(model, candidate) {
      const stage = h("input", { type: "text", value: "production", "aria-label": "Stage" });
      const asked = await xvc.dialog(`Promote ${model.name} of ${candidate.version ?? candidate.run}`,
        h("div", { class: "form" }, h("label", {}, "into ", stage)), [["Show the plan", () => stage.value.trim(), "main"]]);
      if (!asked) return;
      await this.planned("promote", { run: candidate.run, name: model.name, stage: asked });
    }

    rollBack(name, stage) {
      return this.planned("rollback", { name, stage });
    }

    /** Show what would be done; do it when that is wanted. */
    async planned(what, words) {
      try {
        const plan = await xvc.change(what, { ...words, dry: "1" });
        const before = plan.previous ? ` in the place of ${plan.previous}` : "";
        const isWanted = await xvc.dialog(`${plan.version || plan.run} into ${plan.stage} of ${plan.model}${before}`,
          h("div", { class: "form" }, metrics(plan.metrics), gates(plan.gates), !plan.version && h("p", { class: "dim" }, "The run has no version; it gets one.")),
          [[what === "promote" ? "Promote" : "Roll back", () => true, "main"]]);
        if (!isWanted) return;
        const done = await xvc.change(what, words);
        xvc.say(`${done.version} is in ${done.stage}`);
        await this.begin();
      } catch (err) {
        xvc.say(`${err.message}. ${err.hint ?? ""}`, "bad");
      }
    }

    leave() {
      this.gone = true;
    }
  }

  function metrics(held) {
    const known = Object.entries(held ?? {}).slice(0, 8);
    return known.length > 0 && h("p", { class: "pairs" }, known.map(([key, given]) => h("span", {}, h("small", {}, `${xvc.visible(key)} `), number(value(given)))));
  }

  function gates(held) {
    return held?.length > 0 && h("ul", { class: "gates" }, held.map((each) => h("li", { class: each.met ? "met" : "unmet" }, xvc.visible(each.asked), h("small", {}, ` ${xvc.visible(each.found)}`))));
  }

  xvc.pages.models = { title: () => "Models", show: (place) => new Models(place) };
})();
