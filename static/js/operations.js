// Jobs and the other pages of operations: times that run, a log that follows its end unless somebody reads further up.
import { soFar } from "./times.js";

const TICK_MS = 500;
const AT_END_PX = 24;

const since = (text) => (Date.now() - Date.parse(text)) / 1000;

function tick() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-elapsed-from]")) {
    const words = soFar(since(element.dataset.elapsedFrom));
    if (element.textContent !== words) element.textContent = words;
  }
  for (const bar of document.querySelectorAll("progress[data-progress-from]"))
    bar.value = since(bar.dataset.progressFrom);
}

function clocks(scope) {
  for (const time of scope.querySelectorAll("time[datetime]:not([data-clock])")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString("en-GB");
    time.dataset.clock = "";
  }
}

function follow(log) {
  const button = document.querySelector("[data-log-end]");
  let follows = true;
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < AT_END_PX;
  const toEnd = () => {
    log.scrollTop = log.scrollHeight;
  };
  log.addEventListener(
    "scroll",
    () => {
      follows = atEnd();
      button.hidden = follows;
    },
    { passive: true },
  );
  button.addEventListener("click", () => {
    toEnd();
    log.focus();
  });
  new MutationObserver(() => {
    clocks(log);
    if (follows) toEnd();
    else button.hidden = false;
  }).observe(log, { childList: true });
  clocks(log);
  toEnd();
}

document.querySelectorAll("[data-log]").forEach(follow);
if (document.querySelector("[data-elapsed-from]")) tick();
setInterval(tick, TICK_MS);

document.querySelector("#content")?.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// Leaving a form with unsaved work asks first.
for (const form of document.querySelectorAll("form[data-guard]")) {
  let changed = false;
  form.addEventListener("input", () => {
    changed = true;
  });
  form.addEventListener("submit", () => {
    changed = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}
