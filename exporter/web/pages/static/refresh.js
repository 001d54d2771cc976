// Reloads the page in place every so many seconds: typed text, the scroll position and the keyboard focus stay, and while
// the exporter restarts, the last page stays on the screen. "Probe now" is sent in place too. A browser without scripts
// reloads the whole page instead (base.html). All markup is the server's own; only a note is made here.
"use strict";

(() => {
  const ANSWER_SECONDS = 20;
  let timer = 0;
  let asking = false;
  let latest = 0; // the number of the last request: an earlier answer that comes later is not shown

  function later() {
    clearTimeout(timer);
    const seconds = Number(document.body.dataset.refresh);
    if (seconds) timer = setTimeout(refresh, 1000 * seconds);
  }

  async function refresh() {
    if (asking || document.hidden) return; // it is reloaded when the page is visible again
    asking = true;
    try {
      if (isSelecting()) note("paused while text is selected");
      else await ask();
    } finally {
      asking = false;
      later();
    }
  }

  async function ask() {
    const mine = ++latest;
    const page = await load(location.href);
    if (mine !== latest) return;
    if (page === null) note("no answer since then");
    else if (!isSelecting()) show(page);
  }

  async function load(url, options = {}) {
    try {
      const signal = AbortSignal.timeout?.(1000 * ANSWER_SECONDS); // an older browser has only its own timeout
      const answer = await fetch(url, { cache: "no-store", headers: { Accept: "text/html" }, signal, ...options });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      return page.querySelector("main") === null ? null : page;
    } catch {
      return null;
    }
  }

  // The button says at once that it was heard; the page that answers says how the probe goes on.
  async function probe(event) {
    const form = event.target.closest("form.probe");
    if (form === null) return;
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Probing …";
    latest++;
    const page = await load(form.action, { method: "POST" });
    if (page !== null) show(page);
    else {
      button.removeAttribute("aria-disabled");
      button.textContent = "Probe now";
      note("no answer to the request for a probe");
    }
    later();
  }

  function show(page) {
    const focused = keyOf(document.activeElement ?? document.body);
    const scrolled = [...document.querySelectorAll(".scroll, .history")].map((region) => [
      keyOf(region),
      region.scrollLeft,
      region.scrollTop,
    ]);
    const opened = new Map([...document.querySelectorAll("details")].map((details) => [keyOf(details), details.open]));
    for (const details of page.querySelectorAll("details")) {
      if (opened.has(keyOf(details))) details.open = opened.get(keyOf(details));
    }
    for (const fold of page.querySelectorAll(".fold-switch")) fold.checked = document.getElementById(fold.id)?.checked ?? false;
    document.title = page.title;
    document.body.dataset.refresh = page.body.dataset.refresh ?? "";
    document.querySelector(".refresh").replaceWith(page.querySelector(".refresh"));
    fill(document.querySelector("main"), page.querySelector("main"));
    for (const [key, left, top] of scrolled) {
      const region = left || top ? find(".scroll, .history", key) : undefined;
      if (region) [region.scrollLeft, region.scrollTop] = [left, top];
    }
    if (document.activeElement === document.body) find("a, button, summary, .fold-switch, [tabindex]", focused)?.focus({ preventScroll: true });
    document.dispatchEvent(new Event("shown")); // times.js
  }

  // A form in use is not touched, not even moved: it would lose the cursor. So all around it is replaced.
  function fill(place, fresh) {
    const form = place.querySelector(".filters");
    const children = [...fresh.childNodes];
    const old = form && isInUse(form) ? [...place.children].find((child) => child.contains(form)) : undefined;
    const at = old ? children.findIndex((child) => child.nodeName === old.nodeName && holdsFilters(child)) : -1;
    if (at < 0) {
      place.replaceChildren(...children);
      return;
    }
    for (const child of [...place.childNodes]) if (child !== old) child.remove();
    old.before(...children.slice(0, at));
    old.after(...children.slice(at + 1));
    if (old !== form) fill(old, children[at]);
  }

  function holdsFilters(element) {
    return element.matches(".filters") || element.querySelector(".filters") !== null;
  }

  function isInUse(form) {
    return form.contains(document.activeElement) || [...form.elements].some(isChanged);
  }

  function isChanged(field) {
    if (field.nodeName === "INPUT") return field.value !== field.defaultValue;
    if (field.nodeName !== "SELECT") return false;
    return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
  }

  function isSelecting() {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && selection.toString().trim() !== "";
  }

  // The identity of an element across pages: its kind, its link, and the part of the page around it.
  function keyOf(element) {
    const part = element.closest("[data-key], tr, form, section, header");
    const link = part?.nodeName === "TR" ? part.querySelector("a")?.getAttribute("href") : undefined;
    return [
      element.nodeName,
      ...["id", "href", "rel", "aria-label", "aria-labelledby"].map((name) => element.getAttribute(name)),
      element.nodeName === "BUTTON" && !part?.dataset.key ? element.textContent : "",
      part?.dataset.key ?? link ?? part?.getAttribute("action") ?? part?.getAttribute("aria-labelledby"),
    ].join("\n");
  }

  function find(selector, key) {
    return [...document.querySelectorAll(selector)].find((element) => keyOf(element) === key);
  }

  function note(text) {
    let place = document.querySelector(".refresh .late");
    if (place === null) {
      place = document.createElement("span");
      place.className = "late";
      place.setAttribute("role", "status");
      document.querySelector(".refresh").prepend(place);
    }
    place.textContent = text;
  }

  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("submit", probe);
  later();
})();
