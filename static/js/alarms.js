/* What every page says of alarms that nobody has acknowledged (#alarm-strip, templates/alarms/_strip.html): the title
   and the icon of the page, a sentence for screen readers when one is raised, and a notification of the browser where
   somebody has asked for it. */
import { announce } from "./frame.js";

const HIDDEN_MS = 10000; // the stream of a hidden page is closed (live.js): it asks by itself
const HOLD_MS = 5000;
const STILL_MS = 1000;
const COUNTED = /^\(\d+!\) /;
const CHOICE = "pairwise-notify";

const strip = () => document.getElementById("alarm-strip");
let newest = Number(strip()?.dataset.newest || 0);

function show() {
  const said = strip()?.dataset;
  if (!said) return;
  const loud = Number(said.loud);
  document.title = (loud ? `(${loud}!) ` : "") + document.title.replace(COUNTED, "");
  const icon = document.getElementById("page-icon");
  const wanted = loud ? icon.dataset.alarm : icon.dataset.quiet;
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  const tab = document.getElementById("tab-monitoring");
  tab?.querySelector(".tab-alarm")?.remove();
  const sign = document.getElementById("alarms-counted").content.querySelector(".tab-alarm");
  if (sign) tab?.append(sign.cloneNode(true));
  if (Number(said.newest) > newest) {
    announce(said.said);
    if (isOn()) tell(said.said, said.newest);
  }
  newest = Math.max(newest, Number(said.newest));
}

const ask = () => {
  if (strip() && window.htmx) window.htmx.trigger(strip(), "live");
};
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id === "alarm-strip") show();
});
setInterval(() => document.hidden && ask(), HIDDEN_MS);

/* What is under a pointer, or has the focus, is not replaced while it is used, and nothing below moves while the
   pointer does; but not for ever. */
let moved = 0,
  heldSince = 0;
document.addEventListener("pointermove", () => (moved = performance.now()), { passive: true });
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "alarm-strip" || !event.detail.shouldSwap) return;
  const now = performance.now();
  const isThere = Boolean(event.target.querySelector(".alarm-line"));
  const moves = isThere !== event.detail.serverResponse.includes("alarm-line") && now - moved < STILL_MS;
  const used = isThere && event.target.matches(":hover, :focus-within");
  const byHand = event.detail.requestConfig.triggeringEvent?.type === "rows-changed";
  if (byHand || document.hidden || !(moves || used) || (heldSince && now - heldSince > HOLD_MS)) {
    heldSince = 0;
    return;
  }
  heldSince ||= now;
  event.detail.shouldSwap = false;
  setTimeout(ask, STILL_MS);
});

// --- notifications of the browser: chosen on the page of alarms, kept in this browser
const SAYS = {
  missing: ["Notify me in this browser", "This browser shows no notifications here: it needs HTTPS."],
  denied: ["Notify me in this browser", "Notifications are blocked: allow them for this site in the browser."],
  off: ["Notify me in this browser", "Notifications are off in this browser."],
  on: ["Stop notifying me", "Notifications are on while a page of the console is open in this browser."],
};

function chosen() {
  try {
    return localStorage.getItem(CHOICE) === "on";
  } catch {
    return false;
  }
}

function choose(on) {
  try {
    localStorage.setItem(CHOICE, on ? "on" : "off");
  } catch {
    /* private window */
  }
}

function state() {
  if (!("Notification" in window) || !window.isSecureContext) return "missing";
  if (Notification.permission === "denied") return "denied";
  return chosen() && Notification.permission === "granted" ? "on" : "off";
}

const isOn = () => state() === "on";

/* Of several tabs one is seen: the tag is the same. */
function tell(sentence, key) {
  try {
    const shown = new Notification("Pairwise", { body: sentence, tag: `pairwise-alarm-${key}` });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
  } catch {
    // Android: a page may not show one by itself.
  }
}

const button = document.querySelector("[data-notify]");

function offer() {
  if (!button) return;
  const now = state();
  const off = now === "missing" || now === "denied";
  const [label, sentence] = SAYS[now];
  button.querySelector("span").textContent = label;
  button.setAttribute("aria-pressed", String(now === "on"));
  if (off) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
  button.title = off ? sentence : "";
  document.getElementById("notify-state").textContent = sentence;
}

button?.addEventListener("click", async () => {
  const wanted = !isOn();
  if (wanted && Notification.permission !== "granted") await Notification.requestPermission();
  choose(wanted && Notification.permission === "granted");
  offer();
  announce(SAYS[state()][1]);
});
offer();
