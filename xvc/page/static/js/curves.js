// Curves of many runs: one chart a key, with one cursor; axes, smoothing, bands.
"use strict";
(() => {
  const { h, swap } = xvc;

  class Curves {
    constructor(place, words) {
      this.place = place;
      this.words = words;
      this.keys = [["Escape", "back to the runs", () => { location.hash = "#/runs"; }]];
      swap(place, xvc.empty("Curves", "Being made."));
    }

    leave() {}
  }

  xvc.pages.curves = { title: () => "Curves", show: (place, words) => new Curves(place, words) };
})();
