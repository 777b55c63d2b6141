// Dark or light: what the system says, unless the switch was used. Colours for charts, told apart
// by people who do not see all of them (Paul Tol's bright scheme), in both.
"use strict";
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const told = new Set();

  const stored = () => {
    try { return localStorage.getItem("xvc-theme"); } catch { return null; }
  };

  const isDark = () => (stored() ?? (system.matches ? "dark" : "light")) === "dark";

  function apply() {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
    for (const heard of told) heard();
  }

  function turn() {
    try { localStorage.setItem("xvc-theme", isDark() ? "light" : "dark"); } catch { /* no storage */ }
    apply();
  }

  /** Call f when the colours change; gives back how to stop that. */
  function onTheme(f) {
    told.add(f);
    return () => told.delete(f);
  }

  /** The value of a colour of style.css, as charts need it. */
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const LIGHT = ["#4477aa", "#ee6677", "#228833", "#b8a01a", "#3aa6c9", "#aa3377", "#777777"];
  const DARK = ["#6fa3dc", "#f4808e", "#4fb665", "#d9c657", "#7fd6f2", "#d672ab", "#b0b0b0"];
  const DASHES = ["solid", "dashed", "dotted"];

  /** The colour and dash of the n-th line. */
  function line(place) {
    const palette = isDark() ? DARK : LIGHT;
    return { colour: palette[place % palette.length], dash: DASHES[Math.floor(place / palette.length) % 3] };
  }

  system.addEventListener("change", apply);
  apply();
  Object.assign(xvc, { turnTheme: turn, onTheme, isDark, colour, line });
})();
