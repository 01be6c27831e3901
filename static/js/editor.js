// The Application editor: tabs, pickers, rows, what changed, and that nothing is lost silently.
import { closeDialog } from "./dialog.js";
import { touch } from "./forms.js";

const form = document.getElementById("application-form");
let saving = false;

// --- tabs
const tabs = [...form.querySelectorAll('[role="tab"]')];
export function showTab(name, focus = false) {
  if (!tabs.some((tab) => tab.dataset.tab === name)) return;
  for (const tab of tabs) {
    const on = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    document.getElementById(`panel-${tab.dataset.tab}`).hidden = !on;
    if (on && focus) tab.focus();
  }
  form.elements.tab.value = name;
  const address = new URL(location.href);
  if (name === "configuration") address.searchParams.delete("tab");
  else address.searchParams.set("tab", name);
  history.replaceState(history.state, "", address);
}

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
form.addEventListener("keydown", (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (!tab) return;
  if (event.key in STEPS)
    showTab(tabs[(tabs.indexOf(tab) + STEPS[event.key] + tabs.length) % tabs.length].dataset.tab, true);
  else if (event.key === "Home") showTab(tabs[0].dataset.tab, true);
  else if (event.key === "End") showTab(tabs.at(-1).dataset.tab, true);
  else if (event.key === " ") showTab(tab.dataset.tab, true);
  else return;
  event.preventDefault();
});

// --- what changed since it was loaded
const IGNORED = new Set([
  "csrfmiddlewaretoken",
  "tab",
  "touched",
  "filled_from",
  "revision",
  "application",
  "version",
  "reason",
  "option_row",
  "annex_row",
]);
const rowNames = /^(option|annex)_/;
function snapshot() {
  const fields = new Map();
  for (const [name, value] of new FormData(form)) {
    if (IGNORED.has(name)) continue;
    fields.set(name, [...(fields.get(name) || []), value]);
  }
  for (const box of form.querySelectorAll('input[type="checkbox"][name]'))
    if (!fields.has(box.name)) fields.set(box.name, [""]);
  for (const name of ["ports", "connections"]) if (!fields.has(name)) fields.set(name, []);
  return new Map(
    [...fields].map(([name, values]) => [name, JSON.stringify(rowNames.test(name) ? values.filter(Boolean) : values)]),
  );
}

let first = snapshot();
const WORDS = { ports: "Listening Ports", connections: "Connections" };
function word(name) {
  if (WORDS[name]) return WORDS[name];
  if (rowNames.test(name)) return name.startsWith("option") ? "Options" : "Annex";
  const label = form.querySelector(`[data-field="${name}"] label, [data-field="${name}"] .label`);
  return label ? label.firstChild.textContent.trim() : name;
}

function changes() {
  const now = snapshot();
  const names = [...new Set([...first.keys(), ...now.keys()])].filter((name) => first.get(name) !== now.get(name));
  return names;
}

function showChanges() {
  const names = changes();
  for (const field of form.querySelectorAll("[data-field]"))
    field.classList.toggle("changed", names.includes(field.dataset.field));
  const words = [...new Set(names.map(word))];
  const line = document.getElementById("changes");
  const text = words.length ? `Not saved: ${words.length > 3 ? `${words.length} changes` : words.join(", ")}` : "";
  if (line.textContent !== text) line.textContent = text;
  return words;
}

function unsaved() {
  return changes().length > 0 || "unsaved" in form.dataset;
}

function stopCheck() {
  // An answer that is still on its way speaks of rows that may be gone; the next check follows in a moment.
  const checker = form.querySelector("[data-checks]");
  if (checker) htmx.trigger(checker, "htmx:abort");
}

function told() {
  stopCheck();
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

form.addEventListener("input", (event) => {
  showChanges();
  growOptions(event.target);
});
form.addEventListener("change", showChanges);
document.body.addEventListener("editor-changed", showChanges);
document.body.addEventListener("editor-changed", stopCheck);

// --- pickers
function setPicker(picker, key, name) {
  picker.querySelector("[data-picker-value]").value = key;
  picker.querySelector("[data-picker-label]").value = name;
  const clear = picker.querySelector("[data-picker-clear]");
  if (clear) clear.hidden = !key;
  const field = picker.dataset.picker;
  touch(form, field);
  if ("new" in form.dataset && (field === "template_id" || field === "host_id") && form.elements.template_id?.value) {
    htmx.trigger(document.getElementById("filler"), "fill");
  }
  told();
}

document.body.addEventListener("browse-picked", (event) => {
  const picker = document.querySelector(`[data-picker="${event.detail.field}"]`);
  if (picker) setPicker(picker, event.detail.key, event.detail.name);
});
document.addEventListener("click", (event) => {
  const label = event.target.closest("[data-picker-label]");
  if (label) label.closest(".picker").querySelector("[data-picker-open]")?.click();
  const clear = event.target.closest("[data-picker-clear]");
  if (clear) {
    setPicker(clear.closest(".picker"), "", "");
    clear.closest(".picker").querySelector("[data-picker-open]").focus();
  }
});
form.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-picker-label]")) return;
  const picker = event.target.closest(".picker");
  if (event.key === "Enter" || event.key === "ArrowDown" || event.key === " ") {
    event.preventDefault();
    picker.querySelector("[data-picker-open]")?.click();
  } else if (event.key === "Delete" || event.key === "Backspace") {
    picker.querySelector("[data-picker-clear]")?.click();
  }
});

// --- rows
function growOptions(target) {
  const row = target.closest("tr[data-blank]");
  if (row && target.value) addOption(row.closest("[data-options]"), false);
}

/* A row that waits for an option, with a name of its own for what is said of it. */
const TYPED = "input:not([type=hidden])";
let rows = 0;
function emptyRow(row, kind) {
  const token = `n${Date.now().toString(36)}${rows++}`;
  row.id = `${kind}-${token}`;
  row.querySelector(".errors").replaceChildren();
  row.querySelector(".errors").id = `${row.id}_error`;
  for (const input of row.querySelectorAll(TYPED)) {
    input.value = "";
    input.removeAttribute("aria-invalid");
  }
  row.querySelector("[name$=_value]").setAttribute("aria-describedby", `${row.id}_error`);
  row.querySelector("[name$=_row]").value = token;
}

function addOption(table, focus) {
  const blank = table.querySelector("tr[data-blank]");
  const typed = [...blank.querySelectorAll(TYPED)].some((input) => input.value);
  if (typed) {
    const next = blank.cloneNode(true);
    emptyRow(next, table.dataset.options);
    blank.removeAttribute("data-blank");
    blank.after(next);
  }
  if (focus) table.querySelector("tr[data-blank] input").focus();
}

/* What a dialog has made, in the row of its section and key, or in a row of its own. */
function putOption(button) {
  const { section, key, putOption: value } = button.dataset;
  const table = form.querySelector('[data-options="option"]');
  const field = (row, name) => row.querySelector(`[name=option_${name}]`);
  const alike = (input, text) => input.value.trim().toLowerCase() === text.toLowerCase();
  const isIts = (row) => alike(field(row, "section"), section) && alike(field(row, "key"), key);
  const row = [...table.querySelectorAll("tbody tr")].find(isIts) ?? table.querySelector("tr[data-blank]");
  for (const [name, text] of Object.entries({ section, key, value })) field(row, name).value = text;
  addOption(table, false);
  told();
  closeDialog(field(row, "value"));
}

document.addEventListener(
  "click",
  (event) => {
    const add = event.target.closest("[data-add-option]");
    if (add) addOption(form.querySelector(`[data-options="${add.dataset.addOption}"]`), true);
    const put = event.target.closest("[data-put-option]");
    if (put) putOption(put);
    const remove = event.target.closest("[data-remove-row]");
    if (remove) {
      event.preventDefault();
      const row = remove.closest("tr");
      const near = row.nextElementSibling || row.previousElementSibling;
      const back = near?.querySelector("[data-remove-row]") || row.closest("table").querySelector("tfoot button");
      if (row.matches("[data-blank]")) for (const input of row.querySelectorAll(TYPED)) input.value = "";
      else row.remove();
      back?.focus();
      told();
    }
    const tab = event.target.closest('[role="tab"]');
    if (tab) {
      event.preventDefault();
      showTab(tab.dataset.tab);
    }
  },
  true,
);
form.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-secret]")) event.target.select();
});

// --- errors: where one leads to, and how many a tab has
document.body.addEventListener("pairwise:goto", (event) => showTab(event.detail.tab));
document.body.addEventListener("pairwise:errors", () => {
  for (const tab of tabs) {
    const flag = tab.querySelector(".flag");
    const count = document.getElementById(`panel-${tab.dataset.tab}`).querySelectorAll(".errors > .error").length;
    if (!flag) continue;
    flag.textContent = count;
    flag.setAttribute("aria-label", `${count} error${count === 1 ? "" : "s"}`);
    flag.hidden = !count;
  }
});

// --- the Port Info dialog: sync is the protocol of HA Sync
document.addEventListener(
  "change",
  (event) => {
    if (event.target.name === "info-ha_sync") event.target.dataset.followed = ""; // chosen by hand
    if (event.target.name !== "info-protocol") return;
    const flag = event.target.form.elements["info-ha_sync"];
    if (event.target.value === "sync") {
      if (!flag.checked) flag.dataset.followed = "protocol";
      flag.checked = true;
    } else if (flag.dataset.followed === "protocol") {
      flag.dataset.followed = "";
      flag.checked = false;
    }
  },
  true,
);

// --- leaving
const leave = document.getElementById("leave");
let goingTo = "";
function mayLeave(address) {
  if (!unsaved()) return true;
  goingTo = address;
  document.getElementById("leave-what").textContent = showChanges().join(", ") || form.dataset.unsaved;
  leave.showModal();
  return false;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (
    link &&
    link.origin === location.origin &&
    !link.target &&
    !link.matches('[role="tab"], [data-goto], .skip, [data-discard-link]') &&
    !event.ctrlKey &&
    !event.metaKey &&
    !event.shiftKey &&
    event.button === 0 &&
    !mayLeave(link.href)
  )
    event.preventDefault();
  if (event.target.closest("[data-discard-link]")) saving = true;
  if (event.target.closest("[data-stay]")) leave.close();
  if (event.target.closest("[data-discard]")) {
    saving = true;
    location.assign(goingTo);
  }
});
addEventListener("beforeunload", (event) => {
  if (!saving && unsaved()) event.preventDefault();
});
form.addEventListener("submit", () => {
  saving = true;
});
addEventListener("pageshow", () => {
  saving = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey)) {
    const save = document.querySelector('button[name="after"][value="stay"]');
    if (save && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      save.click();
    }
  }
});

if (!form.querySelector("[data-summary]") && "new" in form.dataset && !form.elements.name.value)
  form.elements.name.focus();
showChanges();
