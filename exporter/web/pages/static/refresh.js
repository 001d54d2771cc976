// The page again, every so many seconds and in place: what somebody types, reads or has the keyboard at stays where it
// is, and while the exporter restarts, what was known last stays on the screen. A browser without scripts loads the page
// anew instead (base.html). Everything shown is the server's own markup; nothing is made here but a note.
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
    if (asking || document.hidden) return; // who comes back to the page sees it fresh
    asking = true;
    try {
      if (isSelecting()) note("held while text is selected");
      else await ask();
    } finally {
      asking = false;
      later();
    }
  }

  async function ask() {
    let page;
    try {
      const signal = AbortSignal.timeout?.(1000 * ANSWER_SECONDS); // an older browser waits for its own time
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

  // A form that somebody is at is not touched, not even moved: it would lose the cursor.
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

  // What makes an element the same one on the next page: what it is, where it leads, and what it is part of.
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
