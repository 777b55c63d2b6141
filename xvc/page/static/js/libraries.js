// Libraries of others, loaded when the first page wants them: a list of runs does without the
// megabyte that draws charts, and a chart without the one that draws lists.
"use strict";
(() => {
  const { h } = xvc;
  const GRID = "static/vendor/ag-grid/";
  const FILES = {
    charts: ["static/vendor/echarts/echarts.min.js"],
    grid: [`${GRID}ag-grid-no-native-widgets.min.css`, `${GRID}ag-theme-quartz-no-font.min.css`, `${GRID}ag-grid-community.min.noStyle.js`],
  };
  const coming = new Map();

  /** Load a library: library("grid"); all that it needs is there when that has resolved. */
  function library(name) {
    if (!coming.has(name)) coming.set(name, Promise.all(FILES[name].map(loaded)));
    return coming.get(name);
  }

  /** Begin to fetch a library without reading it. */
  function preload(name) {
    for (const path of FILES[name]) document.head.append(h("link", { rel: "preload", as: path.endsWith(".css") ? "style" : "script", href: path }));
  }

  /** Load one file; styles come before ours, which change them. */
  function loaded(path) {
    return new Promise((done, fail) => {
      const isStyle = path.endsWith(".css");
      const made = isStyle ? h("link", { rel: "stylesheet", href: path }) : h("script", { src: path });
      made.onload = done;
      made.onerror = () => fail(new Error(`${path} could not be loaded`));
      if (isStyle) document.querySelector("link[href='static/style.css']").before(made);
      else document.head.append(made);
    });
  }

  Object.assign(xvc, { library, preload });
})();
