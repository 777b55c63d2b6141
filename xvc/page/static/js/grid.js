// Tables of many rows, by AG Grid: only what is seen is in the document. Cells show text.
"use strict";
(() => {
  const { h } = xvc;
  const MODULES = ["ClientSideRowModel", "ClientSideRowModelApi", "RowSelection", "ExternalFilter", "RowApi", "CellApi", "CellStyle",
    "ColumnApi", "RenderApi", "ScrollApi", "EventApi"]; // what we use: all of them take twice as long to begin
  const SIZES = { rowHeight: 34, headerHeight: 36 };
  let isReady = false;

  /** Make a grid in a place, when its library is loaded; `options` are AG Grid's. */
  function grid(place, options) {
    if (!isReady) agGrid.ModuleRegistry.registerModules(MODULES.map((name) => agGrid[`${name}Module`]));
    isReady = true;
    place.classList.add("ag-theme-quartz");
    return agGrid.createGrid(place, {
      theme: "legacy",
      rowBuffer: 4,
      ...SIZES,
      suppressCellFocus: false,
      suppressDragLeaveHidesColumns: true,
      animateRows: false,
      suppressColumnVirtualisation: false,
      suppressMenuHide: true,
      ...options,
      defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true, cellDataType: false,
        ...options.defaultColDef },
    });
  }

  /** The first rows as the grid will show them, while it is still being loaded. */
  function firstRows(columns, rows) {
    const shown = columns.filter((each) => !each.hide);
    const line = (kind, high, cells) => h("div", { class: `first-row ${kind}`, style: { height: `${high}px` } }, h("span", { style: { width: "44px" } }), cells);
    const cell = (each, parts) => h("span", { class: [each.cellClass].flat().join(" "), style: { width: `${each.width}px` } }, parts);
    const written = (each, data) => {
      const params = { data, value: each.field === undefined ? undefined : data[each.field] };
      return each.cellRenderer ? each.cellRenderer(params) : each.valueFormatter ? each.valueFormatter(params) : params.value;
    };
    return h("div", { class: "first-rows", "aria-hidden": "true" }, line("head", SIZES.headerHeight, shown.map((each) => cell(each, each.headerName))),
      rows.map((data) => line("", SIZES.rowHeight, shown.map((each) => cell(each, written(each, data))))));
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

  Object.assign(xvc, { grid, firstRows, sparkline });
})();
