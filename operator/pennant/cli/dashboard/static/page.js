"use strict";
// Keeps the page as it is on the server: asks every two seconds while the page is visible, and replaces what changed.
(() => {
  const EVERY = 2000;
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];
  const main = document.getElementById("main");
  const link = document.getElementById("link");
  const sources = new WeakMap();
  let timer = 0;
  let asking = false;

  function ago(at) {
    const seconds = Math.max((Date.now() - Date.parse(at)) / 1000, 0);
    const [size, unit] = UNITS.find(([size]) => seconds >= size) || [1, "s"];
    return unit === "s" ? "just now" : `${Math.floor(seconds / size)} ${unit} ago`;
  }

  function count() {
    for (const each of document.querySelectorAll(".ago")) each.textContent = ` (${ago(each.dataset.at)})`;
  }

  function remember() {
    for (const each of main.children) sources.set(each, each.outerHTML);
  }

  function replace(fresh) {
    const open = new Set([...main.querySelectorAll("details[open]")].map((each) => each.id));
    const focused = main.contains(document.activeElement) ? document.activeElement.id : "";
    const [x, y] = [scrollX, scrollY];
    const total = fresh.children.length;
    [...fresh.children].forEach((each, position) => {
      const old = main.children[position];
      const source = each.outerHTML;
      if (old && sources.get(old) === source) return;
      for (const part of each.querySelectorAll("details")) part.open = open.has(part.id);
      sources.set(each, source);
      if (old) old.replaceWith(each);
      else main.append(each);
      each.classList.add("fresh");
    });
    while (main.children.length > total) main.lastElementChild.remove();
    if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus({preventScroll: true});
    scrollTo(x, y);
  }

  function show(text) {
    const next = new DOMParser().parseFromString(text, "text/html");
    const fresh = next.getElementById("main");
    if (!fresh) return;
    if (fresh.dataset.summary !== main.dataset.summary) document.getElementById("spoken").textContent = fresh.dataset.summary;
    Object.assign(main.dataset, {tag: fresh.dataset.tag, summary: fresh.dataset.summary});
    document.title = next.title;
    replace(fresh);
    count();
  }

  function linked(is, words) {
    link.hidden = false;
    link.className = is ? "link" : "link off";
    link.textContent = words;
  }

  async function ask() {
    if (asking || document.hidden) return;
    asking = true;
    clearTimeout(timer);
    try {
      const headers = {"If-None-Match": `"${main.dataset.tag}"`};
      const answer = await fetch(location.pathname, {headers, cache: "no-store"});
      if (answer.status !== 304) show(await answer.text());
      linked(true, "Live");
    } catch {
      linked(false, "The dashboard has stopped. Start it again with kubectl pennant dashboard; this page goes on by itself.");
    }
    asking = false;
    timer = setTimeout(ask, EVERY);
  }

  linked(true, "Live");
  remember();
  count();
  document.addEventListener("visibilitychange", ask);
  setInterval(count, 15000);
  timer = setTimeout(ask, EVERY);
})();
