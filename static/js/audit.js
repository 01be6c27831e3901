// The audit: a run in the console worker is awaited on the button that asked for it, a new verdict is announced once,
// and quick choices fill in a date.
import { announce } from "./frame.js";

const PATIENCE_MS = 60000;
const run = () => document.getElementById("audit-strip")?.dataset.run ?? "";
const said = () => document.querySelector("[data-said]")?.dataset.said ?? "";
let verdict = said(),
  awaited = null,
  timer = 0;

function ask() {
  const button = document.getElementById("audit-now"),
    words = button?.querySelector("span");
  if (!words || awaited !== null) return;
  awaited = run();
  words.textContent = "Auditing…";
  button.setAttribute("aria-busy", "true");
  timer = setTimeout(finish, PATIENCE_MS);
}

function finish() {
  clearTimeout(timer);
  awaited = null;
  const button = document.getElementById("audit-now");
  button.querySelector("span").textContent = "Audit now";
  button.removeAttribute("aria-busy");
}

document.body.addEventListener("audit-asked", ask);

// Who waived or fixed a finding by keyboard is on its button, which goes with it: the verdict has the focus then.
let worksHere = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  worksHere = event.detail.target.id === "audit-sheet" && event.detail.target.contains(document.activeElement);
});
document.addEventListener("htmx:afterSettle", () => {
  if (worksHere && document.activeElement === document.body)
    document.getElementById("audit-sentence")?.focus({ preventScroll: true });
  worksHere = false;
});
document.addEventListener("htmx:afterSettle", () => {
  if (awaited !== null && run() !== awaited) {
    finish();
    announce(document.querySelector(".audit-run p").textContent);
  }
  if (said() !== verdict) {
    verdict = said();
    const sentence = document.getElementById("audit-sentence");
    if (sentence) announce(sentence.textContent);
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill]");
  if (!button) return;
  const field = document.querySelector(button.dataset.fill);
  field.value = button.dataset.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
