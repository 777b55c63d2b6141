// The shell: what is shown for an address, the bar above it, what the server tells.
// An address is `#/page?name=value`, so each can be sent to somebody, and works below any path.
"use strict";
(() => {
  const { h, swap, button } = xvc;
  const bar = document.getElementById("bar");
  const place = document.getElementById("place");
  const TABS = ["runs", "curves", "compare", "sweeps", "versions", "models", "trees"];
  let shown = null;
  let about = {};

  function address() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    return { name: path || "runs", words: Object.fromEntries(new URLSearchParams(query ?? "")) };
  }

  /** Write an address: link("run", {id}). */
  function link(name, words = {}) {
    const given = Object.entries(words).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const query = new URLSearchParams(given);
    return `#/${name}${given.length ? `?${query}` : ""}`;
  }

  /** Change the words of the address that is shown, without showing it anew. */
  function remember(words) {
    const { name, words: old } = address();
    history.replaceState(null, "", link(name, { ...old, ...words }));
  }

  async function show() {
    const { name, words } = address();
    const page = xvc.pages[name] ?? xvc.pages.runs;
    shown?.live?.leave();
    shown?.leave?.();
    shown = null;
    xvc.setKeys([]);
    for (const open of document.querySelectorAll("dialog")) open.close();
    place.replaceChildren();
    place.className = `page-${name}`;
    document.title = xvc.visible(`${page.title(words)} · ${about.project ?? "xvc"}`);
    mark();
    const mine = page.show(place, words);
    shown = mine;
    xvc.setKeys(mine?.keys);
    try {
      await mine?.ready;
    } catch (err) {
      if (shown === mine) fail(err);
    }
  }

  /** Mark the tab of what is shown. */
  function mark() {
    const { name } = address();
    for (const tab of bar.querySelectorAll("nav a")) {
      const isOn = tab.dataset.name === (xvc.pages[name]?.tab ?? name);
      tab.classList.toggle("on", isOn);
      if (isOn) tab.scrollIntoView({ inline: "center", block: "nearest" });
    }
  }

  /** Show an error in the place of the page. */
  function fail(err) {
    swap(place, xvc.empty(err instanceof xvc.Refused ? err.message : `${err}`, err.hint ?? "",
      button("Try again", show)));
    if (!(err instanceof xvc.Refused)) console.error(err);
  }

  function head() {
    const tabs = TABS.filter((name) => xvc.pages[name]).map((name) =>
      h("a", { href: link(name), "data-name": name }, xvc.pages[name].title({})));
    const live = h("span", { id: "live", title: xvc.isFrozen ? "a copy" : "connecting" });
    swap(bar,
      h("a", { class: "brand", href: "#/runs" }, h("img", { src: "static/icon.svg", alt: "", width: 22, height: 22 }),
        h("b", {}, about.project ?? "xvc"), about.branch && h("span", { class: "branch" }, about.branch)),
      h("nav", {}, tabs),
      h("span", { class: "right" }, about.readOnly && h("span", { class: "tagword" }, "read-only"),
        xvc.isFrozen && h("span", { class: "tagword" }, "copy"), live,
        button("◐", xvc.turnTheme, { class: "quiet", title: "Dark or light (t)", "aria-label": "Dark or light" }),
        button("?", xvc.keyHelp, { class: "quiet", title: "Keys (?)", "aria-label": "Keys" })));
  }

  function heard(what) {
    shown?.live?.tell(what);
    if (what.has("refs")) renew();
  }

  /** Say which branch it is by now. */
  async function renew() {
    const words = await xvc.ask("about").catch(() => null);
    if (!words || words.branch === about.branch) return;
    about = xvc.about = words;
    head();
    mark();
    light(true);
  }

  function light(isLive) {
    const live = document.getElementById("live");
    live.className = isLive ? "on" : "off";
    live.title = isLive ? "changes are shown as they come" : "the server cannot be heard";
  }

  function state(isLive) {
    light(isLive);
    if (isLive) heard(new Set(["runs", "refs", "logs"]));
  }

  async function begin() {
    head();
    const { name, words: given } = address();
    (xvc.pages[name] ?? xvc.pages.runs).foresee?.(given);
    const words = await xvc.ask("about").catch((err) => ({ error: err }));
    if (words.error) return fail(words.error);
    about = words;
    xvc.about = about;
    window.addEventListener("hashchange", show); // what is chosen before is what is shown now
    head();
    await show();
    xvc.listen(heard, state);
  }

  Object.assign(xvc, { link, remember, address, fail, showAgain: show });
  begin();
})();
