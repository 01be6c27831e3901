// What is typed into a form is kept by this browser until it is saved, cancelled or its writer signs out: who comes
// back to the form (Back, a reload, a closed tab, a new one) is offered it. Secrets are never kept.
import { targetOf } from "./answers.js";
import { announce } from "./frame.js";
import { otherTabs, tab } from "./tabs.js";

const root = document.documentElement;
const PREFIX = "pairwise-draft ";
const ENDED = "pairwise-signed-out-at";
const WAIT_MS = 300;
const LASTS_MS = 12 * 3600 * 1000;
const secret = new RegExp(root.dataset.secretWords || "$^", "i");
const timers = new Map();
let signedInAt = Date.now();

// --- where drafts are: each under the tab that it was typed in, which leaves it behind when it is closed
const all = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
const isOf = (key, name) => key.startsWith(`${PREFIX}${name} `);
function read(key) {
  const draft = JSON.parse(localStorage.getItem(key));
  return draft?.user === root.dataset.user ? draft : null;
}
function write(key, draft) {
  try {
    // Who signs out takes along what was typed in every tab.
    if (Number(localStorage.getItem(ENDED)) < signedInAt) localStorage.setItem(key, JSON.stringify(draft));
  } catch {
    /* no room for it: nothing is lost that a draft would not have saved */
  }
}
function drop(key) {
  clearTimeout(timers.get(key));
  localStorage.removeItem(key);
}
function dropAll() {
  localStorage.setItem(ENDED, Date.now());
  for (const key of all()) drop(key);
}
document.body.addEventListener("pairwise:signed-in", () => {
  signedInAt = Date.now();
});

// --- which forms have one
/* What somebody types or chooses in ``form``: a control that is seen, sent, and stands in the form itself. A ticked row
   belongs to the form of a toolbar without standing in it, and is no work that anybody would lose. */
const isTyped = (input, form) =>
  form.contains(input) && input.name && /^(?!hidden|submit|button|reset|image|fieldset|output)./.test(input.type);
const isTypedInto = (form) => [...form.elements].some((input) => isTyped(input, form));
const isForm = (form) =>
  form?.matches?.("form") &&
  root.dataset.user &&
  (form.hasAttribute("hx-post") || form.method === "post") &&
  form.matches(":is(#content, #dialog) form:not([data-kept])") &&
  isTypedInto(form);
const pathOf = (form) =>
  new URL(form.getAttribute("hx-post") || form.getAttribute("action") || location.href, location.href).pathname;
/* Forms that one address shows after each other have a draft each. */
const addressOf = (form) => `${pathOf(form)}${form.dataset.draftAs ?? ""}`;
const keyOf = (form) => `${PREFIX}${tab()} ${addressOf(form)}`;

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
  const path = pathOf(form);
  write(keyOf(form), { user: root.dataset.user, at: Date.now(), path, sent: null, fields: fieldsOf(form) });
}
function changed(event) {
  const form = event.target.form ?? event.target.closest?.("form");
  // A script that fills in a hidden field says so on the form.
  if (!isForm(form) || (event.target !== form && !isTyped(event.target, form))) return;
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

// --- when it goes: saved, cancelled, signed out, too old, of somebody else
/* The cookie with which the console says that it took a form at ``path`` (provisioning/web/saved.py): another one
   each time, "" for none. */
function saidOf(path) {
  const name = `${root.dataset.saved}${encodeURIComponent(path)}=`;
  return document.cookie.split("; ").find((each) => each.startsWith(name)) ?? "";
}
const wasTaken = ({ sent }) => sent && ![sent.before, ""].includes(saidOf(sent.path));

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-sign-out]")) return dropAll();
  // A form that the console has kept is that of a draft, too.
  if (event.defaultPrevented || !(isForm(form) || form.matches("[data-kept]"))) return;
  clearTimeout(timers.get(keyOf(form)));
  if ("typed" in form.dataset) keep(form);
  form.dataset.left = "sent";
  const path = targetOf(form, event.submitter).pathname;
  const sent = { path, before: saidOf(path) };
  for (const key of all()) if (isOf(key, tab()) && read(key)?.path === path) write(key, { ...read(key), sent });
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { requestConfig, xhr } = event.detail;
  const form = requestConfig?.elt;
  if (requestConfig?.verb !== "post" || !form?.matches("form")) return;
  // htmx does not call an answer successful that sends it to another page.
  const wasTakenNow = xhr.status >= 200 && xhr.status < 300 && !xhr.getResponseHeader("X-Pairwise-Refused");
  if (wasTakenNow) {
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
// That a page comes after the form says nothing: it may be the one that somebody went on to from an error.
for (const key of root.dataset.user ? all() : []) {
  const draft = read(key);
  if (!draft || Date.now() - draft.at > LASTS_MS || wasTaken(draft)) drop(key);
  else if (draft.sent && isOf(key, tab())) write(key, { ...draft, sent: null });
}

// --- coming back
const OWN = /^(tab|touched|revision|seen|filled_from|(option|annex)_row)$/;
const bare = (value) => value.replace(/^\{"token": "\w*", /, "{");
const same = (draft, form) => {
  const plain = (fields) =>
    JSON.stringify(
      fields
        .filter(([name]) => !OWN.test(name))
        .map(([name, value]) => [name, bare(value)])
        .sort(),
    );
  return plain(draft.fields) === plain(fieldsOf(form));
};

function putBack(form, { fields }) {
  if (form.matches("[data-editor]")) return showAgain(form, fields);
  const places = new Map();
  for (const input of form.elements) {
    // What was there when it was typed comes along, or somebody else's save in between would be written over.
    const mayCome = input.type !== "hidden" || /^(revision|seen)$/.test(input.name);
    if (!input.name || input.type === "file" || !mayCome || isSecret(input)) continue;
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

/* The key of what was typed into ``form`` before: in this tab, else last in one that is not open any more. */
async function draftFor(form) {
  if (read(keyOf(form))) return keyOf(form);
  const left = all().filter((key) => key.endsWith(` ${addressOf(form)}`) && read(key));
  if (!left.length) return null;
  const open = [...(await otherTabs()), tab()];
  const closed = left.filter((key) => !open.some((name) => isOf(key, name)));
  return closed.sort((one, other) => read(other).at - read(one).at)[0];
}

async function offer(form) {
  if ("unsaved" in form.dataset || form.querySelector("[data-draft]")) return;
  const key = await draftFor(form);
  form.dataset.looked = "";
  const draft = key && read(key);
  if (!draft || !form.isConnected || "typed" in form.dataset || same(draft, form)) return;
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
    drop(key);
    write(keyOf(form), draft);
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
