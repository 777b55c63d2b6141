// Questions to the server, changes, and what it tells of its own accord. In an exported page the
// answers lie beside it as scripts, because a page that was opened from a file may fetch nothing.
"use strict";
(() => {
  class Refused extends Error {
    constructor(told) {
      super(told.message);
      this.hint = told.hint ?? "";
      this.code = told.code ?? "";
    }
  }

  const isFrozen = document.documentElement.hasAttribute("data-frozen");
  const waiting = new Map();
  const foreseen = new Map();

  /** Ask: ask("run", {id}). Throws Refused, with the server's sentence and its hint. */
  async function ask(name, words = {}, signal) {
    const query = new URLSearchParams(
      Object.entries(words).filter(([, value]) => value !== undefined && value !== null && value !== ""));
    query.sort();
    if (isFrozen) return frozen(name, query);
    const question = `${name}?${query}`;
    const early = foreseen.get(question);
    if (!early) return sent(question, signal);
    foreseen.delete(question);
    return early;
  }

  /** Ask what will be asked in a moment, while scripts are still being read; it is handed out once. */
  function foresee(name, words) {
    if (isFrozen) return;
    const query = new URLSearchParams(Object.entries(words));
    query.sort();
    const answer = sent(`${name}?${query}`);
    answer.catch(() => {}); // whoever asks is told
    foreseen.set(`${name}?${query}`, answer);
  }

  async function sent(question, signal) {
    let answer;
    try {
      answer = await fetch(`api/${question}`, { signal });
    } catch (err) {
      if (err.name === "AbortError") throw err;
      throw new Refused({ code: "away", message: "The server does not answer.", hint: "Is `xvc ui` still running?" });
    }
    return read(answer);
  }

  async function read(answer) {
    const text = await answer.text();
    let said;
    try {
      said = JSON.parse(text);
    } catch {
      throw new Refused({ code: "refused", message: text.trim() || `status ${answer.status}` });
    }
    if (!answer.ok) throw new Refused(said.error ?? { message: `status ${answer.status}` });
    return said;
  }

  /** Change something: change("tag", {run, version}). */
  async function change(name, words = {}) {
    if (isFrozen) throw new Refused({ code: "frozen", message: "This is a copy: nothing can be changed." });
    const answer = await fetch(`api/change/${name}`, {
      method: "POST",
      headers: { "X-Xvc": "1", "Content-Type": "application/json" },
      body: JSON.stringify(words),
    });
    return read(answer);
  }

  /** The name of the script that holds a frozen answer (64-bit FNV-1a); the exporter makes the same. */
  function slug(name, query) {
    const text = [name, ...[...query].map(([key, value]) => `${key}=${value}`)].join("\n");
    let hash = 0xcbf29ce484222325n;
    for (const byte of new TextEncoder().encode(text)) {
      hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
    }
    return hash.toString(16).padStart(16, "0");
  }

  function frozen(name, query) {
    const key = slug(name, query);
    if (!waiting.has(key)) {
      waiting.set(key, new Promise((done, fail) => {
        const script = xvc.h("script", { src: `answers/${key}.js` });
        script.onload = () => done(xvc.kept.get(key));
        script.onerror = () => fail(new Refused({ code: "not-kept", message: "This was not kept in the copy.",
          hint: "`xvc ui` shows all of it." }));
        document.head.append(script);
      }));
    }
    return waiting.get(key);
  }

  /** Be told what changed; `heard` gets the names, `state` whether the server can be heard. */
  function listen(heard, state) {
    if (isFrozen) return;
    const source = new EventSource("api/live");
    source.onopen = () => state(true);
    source.onerror = () => state(false);
    source.onmessage = (event) => heard(new Set(event.data.split(" ")));
  }

  xvc.kept = new Map();
  xvc.keep = (key, answer) => xvc.kept.set(key, answer);
  Object.assign(xvc, { ask, foresee, change, listen, isFrozen, Refused });
})();
