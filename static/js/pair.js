// The Pair page: figures and proven roles are asked for again every 2 s while somebody can see them, a role change is
// announced once, and what was proven is green only for a moment.
import { announce } from "./frame.js";

const POLL_MS = 2000;
const PROVEN_MS = 6000;

const selecting = (element) => {
  const selection = getSelection();
  return !selection.isCollapsed && element.contains(selection.anchorNode);
};

function poll() {
  if (document.hidden || document.querySelector("dialog[open]")) return;
  for (const element of document.querySelectorAll("[data-poll]")) {
    // Somebody who copies a digest keeps the selection.
    if (!selecting(element)) window.htmx.trigger(element, "poll");
  }
}

function age() {
  for (const time of document.querySelectorAll("[data-proven-at]")) {
    const old = Date.now() - Date.parse(time.dataset.provenAt) > PROVEN_MS;
    time.parentElement.toggleAttribute("data-old", old);
  }
}

// What is asked for so often is put in only when it says something else, and not while a button of it waits for its
// answer: the button stays under the pointer, and the answer finds where it belongs.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (target.id !== "failover-answer") return;
  if (target.innerHTML === fragment.innerHTML || target.querySelector(".htmx-request")) event.detail.shouldSwap = false;
});

const head = () => document.getElementById("pair-head");
let story = head()?.dataset.story;

document.addEventListener("htmx:afterSettle", () => {
  const now = head()?.dataset.story;
  if (!now || now === story) return;
  story = now;
  announce(document.getElementById("pair-sentence").textContent);
});

setInterval(poll, POLL_MS);
setInterval(age, 1000);
// htmx, which was loaded earlier, has taken the page in by then.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", poll);
else poll();
