// The button "Copy report" puts the report of a target on the clipboard. Without a script, or where the clipboard is out of
// reach, it leads to the page of the report, whose text is selected there.
"use strict";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form.copy")) return;
  event.preventDefault();
  const status = form.querySelector("[role=status]");
  let copied = false;
  try {
    const answer = await fetch(form.action, { cache: "no-store" });
    copied = answer.ok && (await copy(await answer.text()));
  } catch {
    copied = false;
  }
  const shown = document.querySelector("textarea.listing");
  if (copied) status.textContent = "Copied";
  else if (shown === null) location.assign(form.action);
  else {
    shown.focus();
    shown.select();
    status.textContent = "Selected: copy it with Ctrl+C";
  }
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text); // there only over HTTPS or on this machine
    return true;
  } catch {
    return copySelected(text);
  }
}

// The way of before, which needs no HTTPS.
function copySelected(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}
