// Reloads the page in place every so many seconds: typed text, the scroll position and the keyboard focus stay, and while
// the exporter restarts, the last page stays on the screen. A browser without scripts reloads the whole page instead
// (base.html). All markup is the server's own; only a note is made here.
"use strict";

(() => {
  const ANSWER_SECONDS = 20;
  let timer = 0;
  let asking = false;

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
    let page;
    try {
      const signal = AbortSignal.timeout?.(1000 * ANSWER_SECONDS); // an older browser has only its own timeout
      const answer = await fetch(location.href, { cache: "no-store", signal });
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      page = null;
    }
    if (page === null || page.querySelector("main") === null) note("no answer since then");
    else if (!isSelecting()) show(page);
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
    document.title = page.title;
    document.body.dataset.refresh = page.body.dataset.refresh ?? "";
    document.querySelector(".refresh").replaceWith(page.querySelector(".refresh"));
    fill(document.querySelector("main"), page.querySelector("main"));
    for (const [key, left, top] of scrolled) {
      const region = left || top ? find(".scroll, .history", key) : undefined;
      if (region) [region.scrollLeft, region.scrollTop] = [left, top];
    }
    if (document.activeElement === document.body) find("a, button, summary, [tabindex]", focused)?.focus({ preventScroll: true });
  }

  // A form in use is not touched, not even moved: it would lose the cursor.
  function fill(main, fresh) {
    const children = [...fresh.childNodes];
    const place = children.findIndex((child) => child.nodeName === "FORM");
    const form = [...main.children].find((child) => child.nodeName === "FORM");
    if (place < 0 || !form || !isInUse(form)) {
      main.replaceChildren(...children);
      return;
    }
    for (const child of [...main.childNodes]) if (child !== form) child.remove();
    form.before(...children.slice(0, place));
    form.after(...children.slice(place + 1));
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
      ...["href", "rel", "aria-label", "aria-labelledby"].map((name) => element.getAttribute(name)),
      element.nodeName === "BUTTON" ? element.textContent : "",
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
  later();
})();
