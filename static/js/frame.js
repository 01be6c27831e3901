// The frame: tree, menus, display choices, times that keep counting, toasts, announcements, keys.
import { breakNames } from "./names.js";
import { soFar } from "./times.js";

const root = document.documentElement;
const narrow = matchMedia("(max-width: 799.98px)");

function csrf() {
  return JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
}

export function announce(sentence) {
  document.getElementById("announcer").textContent = sentence;
}

async function keep(name, value) {
  root.dataset[name] = value;
  const form = document.querySelector("[data-display]");
  if (!form) return;
  const body = new URLSearchParams({ [name]: value });
  await fetch(form.action, {
    method: "POST",
    keepalive: true,
    body,
    headers: { "X-CSRFToken": csrf(), "X-Requested-With": "fetch" },
  });
}

// --- navigation tree: remembered when wide, a drawer when narrow
function setDrawer(open) {
  root.dataset.drawer = open ? "open" : "closed";
  document.querySelector("[data-tree-toggle]")?.setAttribute("aria-expanded", String(open));
}

function toggleTree(button) {
  if (narrow.matches) {
    setDrawer(root.dataset.drawer !== "open");
    if (root.dataset.drawer === "open") document.querySelector("#tree a")?.focus();
    return;
  }
  const value = root.dataset.tree === "closed" ? "open" : "closed";
  button.setAttribute("aria-expanded", String(value === "open"));
  keep("tree", value);
}

document.addEventListener(
  "click",
  (event) => {
    const toggle = event.target.closest("[data-tree-toggle]");
    if (toggle) toggleTree(toggle);
    if (event.target.closest("[data-tree-close]")) setDrawer(false);
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!(menu.closest(".more") ?? menu).contains(event.target)) menu.open = false;
    }
    for (const rule of document.querySelectorAll("details.rule[open]")) {
      if (!rule.contains(event.target)) rule.open = false;
    }
    const close = event.target.closest("[data-toast-close]");
    if (close) close.closest("[data-toast]").remove();
    const blocked = event.target.closest(OFF);
    if (blocked) {
      event.preventDefault();
      event.stopImmediatePropagation();
      announce(blocked.title);
      showWhy(blocked);
    }
  },
  true,
);

// What was pressed under More closes it, and the focus is where a dialog gives it back to.
document.addEventListener("click", (event) => {
  const more = event.target.closest(".more-verbs :is(a, button)")?.closest(".more").querySelector("details[open]");
  if (!more) return;
  more.open = false;
  more.querySelector("summary").focus();
});

// --- why a button is off: its sentence beside it when the keyboard has come to it, or when it was pressed
const OFF = '[aria-disabled="true"]:is(a, button, summary, [role="button"])';
const AWAY_PX = 6;
const why = document.createElement("div");
why.className = "why";
why.popover = "manual"; // above a dialog too
why.setAttribute("aria-hidden", "true"); // screen readers have the button's title

function showWhy(button) {
  if (!button.title) return;
  why.textContent = button.title;
  if (!why.isConnected) document.body.append(why);
  why.showPopover();
  const at = button.getBoundingClientRect(),
    box = why.getBoundingClientRect();
  const below = at.bottom + AWAY_PX + box.height < innerHeight;
  why.style.top = `${below ? at.bottom + AWAY_PX : at.top - AWAY_PX - box.height}px`;
  why.style.left = `${Math.max(AWAY_PX, Math.min(at.left, innerWidth - box.width - AWAY_PX))}px`;
}

function hideWhy() {
  if (why.isConnected && why.matches(":popover-open")) why.hidePopover();
}

document.addEventListener("focusin", (event) => {
  hideWhy();
  if (event.target.matches(`${OFF}:focus-visible`)) showWhy(event.target);
});
document.addEventListener("focusout", hideWhy);
document.addEventListener("pointerdown", hideWhy);
document.addEventListener("scroll", hideWhy, { passive: true, capture: true });
document.addEventListener("htmx:afterSettle", () => {
  if (!document.activeElement?.matches(OFF)) hideWhy();
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-display]");
  if (!form || !event.submitter?.name) return;
  event.preventDefault();
  keep(event.submitter.name, event.submitter.value);
  for (const button of event.submitter.parentElement.children) {
    button.setAttribute("aria-pressed", String(button === event.submitter));
  }
});

// --- keys
function typing(target) {
  return (
    target.closest("input, textarea, select, [contenteditable]") && !target.matches('[type="checkbox"], [type="radio"]')
  );
}

const KEYS = {
  "/": () => {
    const search = document.querySelector("[data-quick-filter]") || document.getElementById("header-search");
    search?.focus();
    search?.select();
  },
  "?": () => document.getElementById("page-help")?.click(),
};

document.addEventListener("keydown", (event) => {
  const work = event.ctrlKey || event.metaKey ? null : KEYS[event.key];
  if (work && !typing(event.target) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    work();
  }
  if (event.key === "Escape") {
    hideWhy();
    const menu = document.querySelector("details[data-menu][open], details.rule[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (root.dataset.drawer === "open") {
      setDrawer(false);
      document.querySelector("[data-tree-toggle]").focus();
    }
  }
});

// --- folding sections remember
function stored(key) {
  try {
    return localStorage.getItem(`pairwise-${key}`);
  } catch {
    return null;
  }
}

export function recallSections(scope) {
  for (const details of scope.querySelectorAll("details[data-remember]:not([data-recalled])")) {
    details.dataset.recalled = "";
    const value = stored(details.dataset.remember);
    if (value && !details.querySelector('[aria-current="page"], [aria-invalid="true"]'))
      details.open = value === "open";
    details.addEventListener("toggle", () => {
      try {
        localStorage.setItem(`pairwise-${details.dataset.remember}`, details.open ? "open" : "closed");
      } catch {
        /* private window */
      }
    });
  }
}

// --- times
const pad = (number) => String(number).padStart(2, "0");

function showTimes(scope) {
  for (const element of scope.querySelectorAll("time:is([data-ago], [data-so-far])")) {
    const lasts = soFar((Date.now() - Date.parse(element.dateTime)) / 1000);
    const words = "ago" in element.dataset ? `${lasts} ago` : lasts;
    if (element.textContent !== words) element.textContent = words;
  }
  for (const element of scope.querySelectorAll("time[data-local]:not([data-shown])")) {
    const at = new Date(element.dateTime);
    const day = [at.getFullYear(), pad(at.getMonth() + 1), pad(at.getDate())].join("-");
    const second = [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(":");
    const fraction = "milliseconds" in element.dataset ? `.${String(at.getMilliseconds()).padStart(3, "0")}` : "";
    const short = { clock: second.slice(0, 5), day: `${day.slice(5)} ${second.slice(0, 5)}` }[element.dataset.local];
    element.textContent = short ?? `${day} ${second}${fraction}`;
    element.dataset.shown = "";
  }
}

// --- toasts leave by themselves, unless they are errors or being read
const TOAST_MS = 8000;
/* What was done since may have made another message of before untrue ("Next: install it", of what is deleted now). */
function replaceToasts(scope) {
  const said = [...scope.querySelectorAll("[data-toast]:not(.message-error)")];
  if (!said.some((toast) => !("minded" in toast.dataset))) return;
  for (const toast of said) if ("minded" in toast.dataset) toast.remove();
}
function mindToasts(scope) {
  replaceToasts(scope);
  for (const toast of scope.querySelectorAll("[data-toast]:not([data-minded])")) {
    toast.dataset.minded = "";
    if (toast.classList.contains("message-error") || toast.classList.contains("message-warning")) continue;
    const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, TOAST_MS) : toast.remove());
    setTimeout(leave, TOAST_MS);
  }
}

breakNames(document);
recallSections(document);
showTimes(document);
mindToasts(document);
setInterval(() => {
  if (!document.hidden) showTimes(document);
}, 1000);
document.addEventListener("htmx:load", (event) => {
  const scope = event.detail.elt.parentElement || document;
  breakNames(scope);
  showTimes(scope);
  recallSections(scope);
  mindToasts(document);
});
