// What is typed into a form is kept by this tab until it is saved, cancelled or its writer signs out: whoever comes
// back to the form (Back, a closed tab that is opened again, a reload) is offered it. Secrets are never kept.
import { announce } from "./frame.js";

const root = document.documentElement;
const PREFIX = "pairwise-draft ";
const WAIT_MS = 300;
const secret = new RegExp(root.dataset.secretWords || "$^", "i");
const timers = new Map();

// --- where drafts are
const all = () => Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
function read(key) {
  const draft = JSON.parse(sessionStorage.getItem(key));
  return draft?.user === root.dataset.user ? draft : null;
}
function write(key, draft) {
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    /* no room for it: nothing is lost that a draft would not have saved */
  }
}
function drop(key) {
  clearTimeout(timers.get(key));
  if (key) sessionStorage.removeItem(key);
}
export function dropAll() {
  for (const key of all()) drop(key);
}

// --- which forms have one
const isForm = (form) =>
  form?.matches?.("form") &&
  root.dataset.user &&
  (form.hasAttribute("hx-post") || form.method === "post") &&
  form.matches("#content form, #dialog form") &&
  !form.querySelector('input[type="password"][name*="password"]');
const keyOf = (form) => {
  const address = new URL(form.getAttribute("hx-post") || form.getAttribute("action") || location.href, location.href);
  return PREFIX + address.pathname;
};

// --- what of a form is kept: [name, value] in order
function isSecret(input) {
  if (input.type === "password" || input.type === "file" || "secret" in input.dataset) return true;
  const row = /_value$/.test(input.name) && input.closest("tr");
  const words = row ? [...row.querySelectorAll("input")].slice(0, 2).map((other) => other.value) : [input.name];
  return words.some((word) => secret.test(word.replaceAll("_", "-")));
}
function fieldsOf(form) {
  const fields = [];
  for (const input of form.elements) {
    if (!input.name || /submit|button/.test(input.type) || input.name === "csrfmiddlewaretoken") continue;
    if (/checkbox|radio/.test(input.type) && !input.checked) continue;
    if (input.type === "file") continue;
    if (input.multiple) for (const option of input.selectedOptions) fields.push([input.name, option.value]);
    else fields.push([input.name, isSecret(input) ? input.defaultValue : input.value]);
  }
  return fields;
}

function keep(form) {
  if (!form.isConnected) return;
  write(keyOf(form), { user: root.dataset.user, at: Date.now(), sent: false, fields: fieldsOf(form) });
}
function changed(event) {
  const form = event.target.form ?? event.target.closest?.("form");
  if (!isForm(form)) return;
  form.dataset.typed = "";
  delete form.dataset.left;
  const key = keyOf(form);
  clearTimeout(timers.get(key));
  timers.set(
    key,
    setTimeout(() => keep(form), WAIT_MS),
  );
}
document.addEventListener("input", changed);
document.addEventListener("change", changed);
addEventListener("pagehide", () => {
  for (const form of document.querySelectorAll("form[data-typed]")) if (!form.dataset.left) keep(form);
});

// --- when it goes: saved, cancelled, signed out
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-sign-out]")) return dropAll();
  if (event.defaultPrevented || !isForm(form)) return;
  clearTimeout(timers.get(keyOf(form)));
  if ("typed" in form.dataset) keep(form);
  form.dataset.left = "sent";
  const draft = read(keyOf(form));
  if (draft) write(keyOf(form), { ...draft, sent: true });
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.requestConfig?.elt;
  if (event.detail.requestConfig?.verb === "post" && form?.matches("form") && event.detail.successful) {
    form.dataset.left = "saved";
    drop(keyOf(form));
  }
});
document.addEventListener("click", (event) => {
  const cancel = event.target.closest("[data-dialog-close], [data-cancel], [data-discard], [data-discard-link]");
  if (!cancel) return;
  const inDialog = cancel.closest("#dialog");
  for (const form of document.querySelectorAll(inDialog ? "#dialog form" : "#content form")) {
    form.dataset.left = "cancelled";
    if (isForm(form)) drop(keyOf(form));
  }
});
// A form that was accepted is answered with another address; one that was refused is shown at its own.
const [arrival] = performance.getEntriesByType("navigation");
for (const key of all()) {
  const draft = read(key);
  const accepted = arrival?.redirectCount && !document.querySelector("#toasts .message-error");
  if (!draft || (draft.sent && accepted)) drop(key);
  else if (draft.sent) write(key, { ...draft, sent: false });
}

// --- coming back
const same = (draft, form) => {
  const plain = (fields) => JSON.stringify(fields.filter(([name]) => !/^(tab|touched|revision)$/.test(name)).sort());
  return plain(draft.fields) === plain(fieldsOf(form));
};

function putBack(form, { fields }) {
  if (form.matches("[data-editor]")) return showAgain(form, fields);
  const places = new Map();
  for (const input of form.elements) {
    if (!input.name || input.type === "file" || input.type === "hidden" || isSecret(input)) continue;
    const kept = fields.filter(([name]) => name === input.name).map(([, value]) => value);
    const place = places.get(input.name) ?? 0;
    places.set(input.name, place + 1);
    if (/checkbox|radio/.test(input.type)) input.checked = kept.includes(input.value);
    else if (input.multiple) for (const option of input.options) option.selected = kept.includes(option.value);
    else if (place < kept.length) input.value = kept[place];
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/* Rows come and go in the editor: the server draws it as it was typed, and saves nothing. */
function showAgain(form, fields) {
  const again = document.createElement("form");
  again.method = "post";
  again.action = form.getAttribute("action");
  const token = form.querySelector('input[name="csrfmiddlewaretoken"]').value;
  for (const [name, value] of [...fields, ["csrfmiddlewaretoken", token], ["step", "look"]]) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    again.append(input);
  }
  document.body.append(again);
  again.submit();
}

function button(label, act, more = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `button button-small ${more}`;
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function offer(form) {
  const key = keyOf(form);
  const draft = read(key);
  if (
    !draft ||
    "unsaved" in form.dataset ||
    "kept" in form.dataset ||
    same(draft, form) ||
    form.querySelector("[data-draft]")
  )
    return;
  const line = document.createElement("div");
  line.className = "message message-info";
  line.dataset.draft = "";
  line.setAttribute("role", "status");
  const words = document.createElement("div");
  words.className = "text";
  const at = new Date(draft.at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  words.textContent =
    `What you typed here at ${at} was not saved. ` + "Passwords, secrets and files have to be given again.";
  const back = () => {
    line.remove();
    putBack(form, draft);
    announce("What you typed is back. It is not saved yet.");
  };
  const discard = () => {
    line.remove();
    drop(key);
  };
  line.append(words, button("Put it back", back, "button-primary"), button("Discard it", discard));
  (form.querySelector(":scope > .body") ?? form).prepend(line);
}

function offers(scope) {
  for (const form of scope.querySelectorAll("form")) if (isForm(form)) offer(form);
}
offers(document);
document.addEventListener("htmx:load", (event) => {
  // What comes into a form that somebody works on is no form that somebody comes back to.
  if (event.detail.elt.closest?.("#dialog") && !event.detail.elt.parentElement.closest("form"))
    offers(document.getElementById("dialog"));
});
