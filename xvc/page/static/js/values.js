// How values look: numbers, spans of time, sizes; as the command line writes them.
"use strict";
(() => {
  /** Take a value off the wire: {"$": "NaN"} is a number, {"$": "12…"} an integer of any size. */
  function value(given) {
    if (given === null || typeof given !== "object" || Array.isArray(given)) return given;
    const keys = Object.keys(given);
    if (keys.length !== 1 || keys[0] !== "$") return given;
    const text = given.$;
    return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
  }

  /** Write a value for a cell. */
  function number(given) {
    if (given === null || given === undefined) return "";
    if (typeof given === "number") return ofNumber(given);
    if (typeof given === "object") return within(given);
    return String(given);
  }

  /** A list or a mapping, whose parts may be what JSON has no word for. */
  function within(given) {
    const read = value(given);
    if (read === null || typeof read !== "object") return typeof read === "string" ? JSON.stringify(read) : read === null ? "null" : number(read);
    if (Array.isArray(read)) return `[${read.map(within).join(", ")}]`;
    return `{${Object.entries(read).map(([key, part]) => `${JSON.stringify(key)}: ${within(part)}`).join(", ")}}`;
  }

  function ofNumber(given) {
    if (Number.isNaN(given)) return "nan";
    if (!Number.isFinite(given)) return given > 0 ? "inf" : "-inf";
    if (Number.isInteger(given) && Math.abs(given) < 1e15) return String(given);
    const size = Math.abs(given);
    if (size !== 0 && (size < 1e-3 || size >= 1e6)) return given.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
    return String(Number(given.toFixed(4)));
  }

  /** Write a span of time in seconds. */
  function duration(seconds) {
    if (seconds === null || seconds === undefined) return "";
    if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(2) : Math.round(seconds)}s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
    return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`;
  }

  const two = (part) => String(Math.floor(part)).padStart(2, "0");

  /** Write a number of bytes. */
  function size(count) {
    if (count === null || count === undefined) return "";
    for (const unit of ["B", "KB", "MB", "GB"]) {
      if (count < 1024) return unit === "B" ? `${count}\u00a0B` : `${count.toFixed(1)}\u00a0${unit}`;
      count /= 1024;
    }
    return `${count.toFixed(1)}\u00a0TB`;
  }

  /** Write a point of time, in milliseconds, as this machine's clock shows it. */
  function moment(milliseconds) {
    if (milliseconds === null || milliseconds === undefined) return "";
    const at = new Date(milliseconds);
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
  }

  /** Write how long ago something was. */
  function ago(milliseconds) {
    const seconds = (Date.now() - milliseconds) / 1000;
    if (seconds < 90) return "just now";
    if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
    if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
    return `${Math.round(seconds / 86400)} days ago`;
  }

  /**
   * Order two values as `xvc ls --sort` does: numbers, then texts, then those with neither, whichever
   * way. `older` is below 0 where the first run is the older one: it leads among equals, and is behind
   * among those with neither. A grid turns the sign where the greatest is first; what keeps its place
   * whichever way is turned here, too.
   */
  function order(a, b, isDescending, older) {
    if (typeof a === "number" && typeof b === "number" && (a < b || a > b)) return a - b;
    const first = rank(a), second = rank(b), still = isDescending ? -1 : 1;
    if (first !== second) return (first - second) * still;
    if (first === 3) return -older * still;
    const [one, other] = first === 0 ? [a, b] : [written(a), written(b)];
    return one < other ? -1 : one > other ? 1 : older * still;
  }

  function rank(given) {
    if (given === null || given === undefined || Number.isNaN(given)) return 3;
    return typeof given === "number" || typeof given === "bigint" ? 0 : 2;
  }

  /** A value as Python writes it, its letters in an order that does not know of halves of letters. */
  function written(given) {
    return python(given, false).replace(/[\ud800-\udfff]/g, (half) => `\uffff${half}`);
  }

  function python(given, isWithin = true) {
    if (typeof given === "boolean") return given ? "True" : "False";
    if (typeof given === "string") return isWithin ? `'${given}'` : given;
    if (given === null || given === undefined) return "None";
    if (Array.isArray(given)) return `[${given.map((part) => python(value(part))).join(", ")}]`;
    const read = value(given);
    if (typeof read !== "object") return typeof read === "number" && !Number.isFinite(read) ? ofNumber(read) : String(read);
    return `{${Object.entries(read).map(([key, part]) => `'${key}': ${python(value(part))}`).join(", ")}}`;
  }

  const collator = new Intl.Collator(undefined, { numeric: true });

  /** Order names with numbers in them, such as versions, as people do. */
  const natural = (a, b) => collator.compare(a ?? "", b ?? "");

  /** Words for a number of things. */
  function counted(count, thing) {
    return `${thousands(count)} ${thing}${count === 1 ? "" : "s"}`;
  }

  /** Write a count with commas; the browser's own way takes its time to begin. */
  const thousands = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

  /** Quote a word for a shell, where it needs it. */
  function quoted(word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  }

  Object.assign(xvc, { value, number, duration, size, moment, ago, order, natural, counted, thousands, quoted });
})();
