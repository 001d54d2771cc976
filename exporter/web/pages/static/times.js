// Times on a page: relative ones tick, and the reader's own time stands beside UTC, where it differs. Without scripts the
// times stay as the server wrote them.
"use strict";

(() => {
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];
  const two = (number) => String(number).padStart(2, "0");
  let stamp = null; // the time element of the page's own time
  let skew = 0; // our clock minus the server's, in milliseconds

  function shown() {
    const served = document.querySelector(".refresh time");
    if (served !== null && served !== stamp) {
      stamp = served;
      skew = Date.now() - Date.parse(served.dateTime);
    }
    for (const time of document.querySelectorAll("time:not([data-local])")) addLocal(time);
    for (const chart of document.querySelectorAll("svg.timeline:not([data-local])")) addAxis(chart);
  }

  // As exporter/web/pages/times.py has it.
  function ago(seconds) {
    for (const [unit, name] of UNITS) if (seconds >= 2 * unit) return `${Math.floor(seconds / unit)} ${name} ago`;
    return `${Math.round(Math.max(0, seconds))} s ago`;
  }

  function tick() {
    const now = Date.now() - skew;
    for (const time of document.querySelectorAll("time.ago")) {
      const text = ago((now - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text && !getSelection()?.containsNode(time, true)) time.textContent = text;
    }
  }

  function isUtc(at) {
    return at.getTimezoneOffset() === 0;
  }

  function zone(at) {
    const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(at);
    return parts.find((part) => part.type === "timeZoneName")?.value ?? "local time";
  }

  function local(at) {
    const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zone(at)}`;
    return at.toISOString().startsWith(date) ? clock : `${date} ${clock}`;
  }

  function addLocal(time) {
    time.dataset.local = "";
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf()) || isUtc(at)) return;
    if (time.title) time.title += ` (${local(at)})`;
    if (time.classList.contains("ago")) return;
    const beside = document.createElement("span");
    beside.className = "local-time";
    beside.textContent = ` (${local(at)})`;
    time.append(beside);
  }

  // The hours of a chart once more below those of UTC.
  function addAxis(chart) {
    chart.dataset.local = "";
    const ticks = [...chart.querySelectorAll("text[data-at]")].map((text) => [text, new Date(1000 * text.dataset.at)]);
    if (!ticks.some(([, at]) => !isUtc(at))) return;
    const row = 12;
    chart.setAttribute("height", String(Number(chart.getAttribute("height")) + row));
    for (const [text, at] of ticks) {
      const below = text.cloneNode();
      below.setAttribute("y", String(Number(text.getAttribute("y")) + row));
      const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
      below.textContent = text.classList.contains("now") ? `${clock} ${zone(at)}` : clock;
      text.after(below);
    }
  }

  document.addEventListener("shown", shown); // refresh.js has put another page in place
  setInterval(tick, 1000);
  shown();
})();
