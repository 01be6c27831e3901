// Grids: click selects, shift extends, space toggles, ctrl+A takes all, Enter and double-click open. The selection
// outlives a refresh of the rows; buttons that cannot act on it are disabled and say why.
const selected = new Map(); // id -> name, in the order of selection
let anchor = null;

const grid = () => document.querySelector("table[data-grid]");
const rows = () => [...(grid()?.querySelectorAll("tbody tr[data-id]") || [])];
const announcer = document.getElementById("announcer");

function select(row, on) {
  if (on) selected.set(row.dataset.id, row.dataset.name);
  else selected.delete(row.dataset.id);
}

function only(row) {
  selected.clear();
  select(row, true);
}

function range(row) {
  const all = rows();
  const from = Math.max(
    0,
    all.findIndex((item) => item.dataset.id === anchor),
  );
  const to = all.indexOf(row);
  selected.clear();
  for (const item of all.slice(Math.min(from, to), Math.max(from, to) + 1)) select(item, true);
}

function focusRow(row) {
  for (const item of rows()) item.tabIndex = item === row ? 0 : -1;
  row.focus();
}

// --- what the selection allows
function reason(verb) {
  let first = "";
  for (const row of rows()) {
    if (!selected.has(row.dataset.id)) continue;
    const why = JSON.parse(row.dataset.blocked || "{}")[verb];
    if (!why) return "";
    first ||= why;
  }
  return first;
}

function counted() {
  return selected.size === 1 ? [...selected.values()][0] : `${selected.size} ${grid()?.dataset.noun || "application"}s`;
}

function allow(button, why) {
  if (why) {
    button.setAttribute("aria-disabled", "true");
    button.title = why;
  } else {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("title");
  }
}

function whyNot(button) {
  const noun = grid()?.dataset.noun || "application";
  if (!selected.size)
    return button.dataset.needs === "one" ? `Select one ${noun} first.` : `Select at least one ${noun} first.`;
  if (button.dataset.needs === "one" && selected.size > 1)
    return `${button.dataset.label} works on one ${noun} at a time.`;
  return reason(button.dataset.verb);
}

function show() {
  for (const row of rows()) {
    const on = selected.has(row.dataset.id);
    row.setAttribute("aria-selected", String(on));
    row.querySelector('input[name="ids"]').checked = on;
  }
  const buttons = new Map();
  for (const button of document.querySelectorAll("#list-form [data-verb]")) {
    buttons.set(button.dataset.verb, button);
    if (!("never" in button.dataset) && button.dataset.needs !== "none") allow(button, whyNot(button));
  }
  showBulk(buttons);
  const all = document.querySelector("[data-pick-all]");
  if (all) {
    const here = rows().filter((row) => selected.has(row.dataset.id)).length;
    all.checked = here > 0 && here === rows().length;
    all.indeterminate = here > 0 && here < rows().length;
  }
}

function showBulk(buttons) {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  bar.hidden = selected.size === 0;
  bar.querySelector("[data-bulk-text]").textContent =
    selected.size === 1 ? `${counted()} is selected` : `${counted()} are selected`;
  for (const button of bar.querySelectorAll("[data-bulk-verb]")) {
    const real = buttons.get(button.dataset.bulkVerb);
    button.querySelector("span").textContent = `${real.dataset.label} ${counted()}`;
    allow(button, real.getAttribute("aria-disabled") ? real.title : "");
  }
}

// --- mouse
document.addEventListener("click", (event) => {
  const bulk = event.target.closest("[data-bulk-verb]");
  if (bulk) document.querySelector(`#list-form [data-verb="${bulk.dataset.bulkVerb}"]`).click();
  if (event.target.closest("[data-bulk-clear]")) {
    selected.clear();
    show();
  }
  const all = event.target.closest("[data-pick-all]");
  if (all) {
    for (const row of rows()) select(row, all.checked);
    show();
  }
  const row = event.target.closest("tr[data-id]");
  if (!row || !grid()?.contains(row) || event.target.closest("a, button")) return;
  if (event.shiftKey) {
    range(row);
    getSelection().removeAllRanges();
  } else {
    if (event.target.matches('input[type="checkbox"]') || event.ctrlKey || event.metaKey)
      select(row, !selected.has(row.dataset.id));
    else only(row);
    anchor = row.dataset.id;
  }
  show();
  if (!event.target.matches("input")) focusRow(row);
});
document.addEventListener("dblclick", (event) => {
  const row = event.target.closest("tr[data-open]");
  if (row && !event.target.closest("a, button, input")) location.assign(row.dataset.open);
});

// --- keyboard
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
function move(event, row) {
  const all = rows();
  const target = all[Math.min(all.length - 1, Math.max(0, all.indexOf(row) + STEPS[event.key]))];
  focusRow(target);
  if (event.shiftKey) {
    anchor ||= row.dataset.id;
    range(target);
    show();
  }
}

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("tr[data-id]");
  if (!row || !grid()?.contains(row)) return;
  const onRow = event.target === row;
  if (event.key in STEPS && (onRow || event.target.matches('input[type="checkbox"]'))) {
    event.preventDefault();
    move(event, row);
  } else if (event.key === " " && onRow) {
    event.preventDefault();
    select(row, !selected.has(row.dataset.id));
    anchor = row.dataset.id;
    show();
  } else if (event.key === "Enter" && onRow) {
    location.assign(row.dataset.open);
  } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    for (const item of rows()) select(item, true);
    show();
    announcer.textContent = `${counted()} selected`;
  } else if (event.key === "Escape" && selected.size) {
    selected.clear();
    show();
  }
});

// --- rows that came anew
let focused = "";
const holdsRows = (part) => part.id === "rows" || part.id === "live-list";
document.addEventListener("htmx:beforeSwap", (event) => {
  focused = holdsRows(event.detail.target) ? document.activeElement?.closest("tr[data-id]")?.dataset.id || "" : "";
});

function ready() {
  const all = rows();
  if (!all.length) return show();
  const row = all.find((item) => item.dataset.id === focused) || all.find((item) => "saved" in item.dataset);
  (row || all[0]).tabIndex = 0;
  if (row && (focused || !document.querySelector("dialog[open]"))) row.focus({ preventScroll: Boolean(focused) });
  focused = "";
  show();
}

document.addEventListener("htmx:afterSettle", (event) => {
  const part = event.detail.elt;
  if (holdsRows(part)) {
    ready();
    return;
  }
  if (part.dataset?.row) {
    const row = document.getElementById(`row-${part.dataset.row}`);
    if (row && part.dataset.blocked) row.dataset.blocked = part.dataset.blocked;
    show();
  }
});
document.body.addEventListener("rows-changed", () => {
  selected.clear();
  show();
});
if (!grid())
  show(); // a list without rows has nothing that a button could act on
else {
  // Boxes that the browser ticked again on its own after "back" count as a selection.
  for (const row of rows()) if (row.querySelector('input[name="ids"]').checked) select(row, true);
  ready();
  const address = new URL(location.href);
  if (address.searchParams.has("saved")) {
    address.searchParams.delete("saved");
    history.replaceState(history.state, "", address);
  }
}
