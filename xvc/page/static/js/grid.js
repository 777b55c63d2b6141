// Tables of many rows, by AG Grid: only what is seen is in the document. Cells show text.
"use strict";
(() => {
  agGrid.ModuleRegistry.registerModules([agGrid.AllCommunityModule]);

  /** Make a grid in a place; `options` are AG Grid's. */
  function grid(place, options) {
    place.classList.add("ag-theme-quartz");
    return agGrid.createGrid(place, {
      theme: "legacy",
      rowHeight: 34,
      headerHeight: 36,
      suppressCellFocus: false,
      suppressDragLeaveHidesColumns: true,
      animateRows: false,
      suppressColumnVirtualisation: false,
      suppressMenuHide: true,
      ...options,
      defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true,
        comparator: xvc.order, ...options.defaultColDef },
    });
  }

  /** A small curve: points are [x[], y[]]. */
  function sparkline(xs, ys, width = 96, height = 22) {
    const { svg } = xvc;
    if (!ys?.length) return svg("svg", { width, height, class: "spark" });
    const low = Math.min(...ys), high = Math.max(...ys), from = xs[0], to = xs[xs.length - 1];
    const at = xs.map((x, place) => {
      const across = to > from ? (x - from) / (to - from) : 0.5;
      const up = high > low ? (ys[place] - low) / (high - low) : 0.5;
      return `${(2 + across * (width - 6)).toFixed(1)},${(height - 3 - up * (height - 6)).toFixed(1)}`;
    });
    const [cx, cy] = at[at.length - 1].split(",");
    return svg("svg", { width, height, class: "spark", "aria-hidden": "true" },
      svg("polyline", { points: at.join(" ") }), svg("circle", { cx, cy, r: 1.8 }));
  }

  Object.assign(xvc, { grid, sparkline });
})();
