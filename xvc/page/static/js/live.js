// Bringing a page up to date when the server tells that something was written.
"use strict";
(() => {
  const pause = (wait) => new Promise((done) => setTimeout(done, wait));

  /** Resolve when somebody can see the page: one in the background asks for nothing. */
  function seen() {
    if (!document.hidden) return null;
    return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true })).then(seen);
  }

  /**
   * Follow what is told: `refresh` gets the kinds that came since its last call, once at a time and,
   * while answers come slowly, at most a quarter of the time: a training goes on beside it. `page` has been laid out before.
   */
  function follow(page, kinds, refresh, wait = 250) {
    let told = new Set();
    let isBusy = false, isOver = false;

    async function run() {
      await Promise.resolve(page.ready).catch(() => {});
      while (told.size && !isOver) {
        await seen();
        const what = told;
        told = new Set();
        const start = performance.now();
        if (!isOver) await refresh(what);
        await pause(Math.max(wait, 3 * (performance.now() - start)));
      }
    }

    /** Be told; a refusal is shown by what comes next, or by the page itself. */
    function tell(what) {
      for (const kind of kinds) if (what.has(kind)) told.add(kind);
      if (isBusy || isOver || !told.size) return;
      isBusy = true;
      run().catch(() => {}).finally(() => {
        isBusy = false;
        tell(new Set());
      });
    }

    return { tell, leave: () => { isOver = true; } };
  }

  Object.assign(xvc, { follow });
})();
