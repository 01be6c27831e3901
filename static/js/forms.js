// What every form does alike: where the focus goes when one comes back with errors, and that what is said to be wrong
// follows what is typed. The place of an error is the element "<place>_error" (templates/pairwise/layout/errors.html).
import { announce } from "./frame.js";

const FIELDS = "input:not([type=hidden]), select, textarea";
const boxOf = (place) => document.getElementById(`${place}_error`);
const placeOf = (box) => box.id.slice(0, -"_error".length);

// --- the focus: what says why, else the first field that is wrong
function firstWrong(scope) {
  const shown = (element) => element.checkVisibility();
  const invalid = [...scope.querySelectorAll('[aria-invalid="true"]')].find(shown);
  const field = [...scope.querySelectorAll(".field:has(.error)")].find(shown);
  return invalid ?? field?.querySelector(FIELDS) ?? scope.querySelector("[data-errors]");
}

/* True when there is something wrong in ``scope``, which has the focus then. */
export function focusWrong(scope) {
  const place = scope.querySelector("[data-summary]") ?? firstWrong(scope);
  place?.focus();
  return Boolean(place);
}

document.addEventListener("htmx:afterSwap", (event) => {
  const { target, xhr } = event.detail;
  if ([409, 422].includes(xhr?.status) && target.isConnected) focusWrong(target);
});

// --- what was typed into since the page came: the checks speak of nothing else
export function touch(form, name) {
  const field = form?.querySelector('input[name="touched"]');
  if (field && name) field.value = [...new Set([...field.value.split(" "), name])].filter(Boolean).join(" ");
}

for (const wrong of document.querySelectorAll("[data-field]:has(.error)"))
  touch(wrong.closest("form"), wrong.dataset.field);

// --- fields that are not checked while typing: what was wrong is not said of another value
const isOther = (input) => {
  if (/checkbox|radio/.test(input.type)) return input.checked !== input.defaultChecked;
  if (input.options) return [...input.options].some((option) => option.selected !== option.defaultSelected);
  return input.value !== input.defaultValue;
};

function typed(event) {
  const input = event.target;
  touch(input.form, input.name);
  if (!input.form || input.form.querySelector("[data-checks]")) return;
  const box = boxOf(input.id) ?? input.closest(".field")?.querySelector(".errors");
  if (!box?.childElementCount || !isOther(input) || !input.validity.valid) return;
  box.replaceChildren();
  mark(box);
}
document.addEventListener("input", typed);
document.addEventListener("change", typed);
document.addEventListener("focusout", (event) => {
  // Leaving a field that must not be empty counts as having touched it.
  if (event.target.matches('[aria-required="true"]')) touch(event.target.form, event.target.name);
});

// --- errors that came while typing
function mark(box) {
  const place = document.getElementById(placeOf(box));
  const input = place?.matches(FIELDS) ? place : place?.querySelector('[name$="_value"]');
  const wrong = box.childElementCount > 0;
  if (wrong) input?.setAttribute("aria-invalid", "true");
  else for (const each of input ? [input] : fieldsAround(box)) each.removeAttribute("aria-invalid");
  // What is wrong must not stay in a folded section.
  const section = wrong && box.closest("details.section:not([open])");
  if (section) section.open = true;
  followSoon();
}
const fieldsAround = (box) => box.closest(".field")?.querySelectorAll('[aria-invalid="true"]') ?? [];

document.body.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id?.endsWith("_error")) mark(event.detail.target);
});

// --- summaries: what is to correct, as it is now
let following = 0;
function followSoon() {
  following ||= setTimeout(() => {
    following = 0;
    for (const summary of document.querySelectorAll("[data-summary-of]")) follow(summary);
    document.body.dispatchEvent(new CustomEvent("pairwise:errors"));
  });
}
// Rows that were removed took their errors with them.
document.addEventListener("change", followSoon);

function labelOf(box) {
  const option = box.closest("tr")?.querySelectorAll('[name$="_section"], [name$="_key"]') ?? [];
  if (option.length) return `[${option[0].value}] ${option[1].value}`;
  const label =
    box.closest(".field")?.querySelector("label, .label") ?? box.closest("details.section")?.querySelector("summary");
  return label?.firstChild?.textContent.trim() || label?.textContent.trim() || "";
}

function newLine(box) {
  const line = document.createElement("li");
  line.dataset.about = placeOf(box);
  const link = document.createElement("a");
  link.href = `#${placeOf(box)}`;
  link.textContent = labelOf(box);
  link.dataset.goto = placeOf(box);
  link.dataset.gotoTab = box.closest("[role=tabpanel]")?.id.replace("panel-", "") ?? "";
  line.append(link);
  return line;
}

/* A sentence that begins with the name that stands before it says that once. */
function say(line, error) {
  const link = line.querySelector(":scope > a[data-goto]");
  const words = [...error.cloneNode(true).childNodes];
  const label = link?.textContent ?? "";
  let between = link ? ": " : "";
  if (link && words[0]?.nodeType === Node.TEXT_NODE && words[0].data.trimStart().startsWith(label)) {
    words[0].data = words[0].data.trimStart().slice(label.length);
    between = "";
  }
  const said = flat(`${label}${between}${words.map((word) => word.textContent).join("")}`);
  // A link that is taken out and put back while it is pressed is not followed.
  if (said !== flat(line.textContent)) line.replaceChildren(...(link ? [link] : []), between, ...words);
  return line;
}

const flat = (text) => text.replace(/\s+/g, " ").trim();
const headOf = (summary) => flat(summary.querySelector("h2").textContent);

function follow(summary) {
  const form = document.getElementById(summary.dataset.summaryOf);
  const list = summary.querySelector("ul");
  const had = list.childElementCount;
  const known = new Map([...list.children].reverse().map((line) => [line.dataset.about, line]));
  const boxes = [...form.querySelectorAll('.errors[id$="_error"]')].filter((box) => !box.closest("dialog"));
  const lines = boxes.flatMap((box) =>
    [...box.querySelectorAll(".error")].map((error, number) => {
      const line = known.get(placeOf(box)) ?? newLine(box);
      return say(number ? line.cloneNode(true) : line, error);
    }),
  );
  if (lines.length === had && lines.every((line, place) => line === list.children[place])) return;
  // It is read once as an alert when the page comes; from then on politely.
  summary.removeAttribute("role");
  list.replaceChildren(...lines);
  if (lines.length === had) return;
  summary.querySelector("[data-summary-count]").textContent = `${lines.length} thing${lines.length === 1 ? "" : "s"}`;
  announce(lines.length ? headOf(summary) : "Nothing is left to correct.");
  if (!lines.length) summary.remove();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-goto]");
  if (!link) return;
  event.preventDefault();
  document.body.dispatchEvent(new CustomEvent("pairwise:goto", { detail: { tab: link.dataset.gotoTab } }));
  const place = document.getElementById(link.dataset.goto);
  const section = place?.closest("details.section");
  if (section) section.open = true;
  place?.scrollIntoView({ block: "center" });
  (place?.matches(`${FIELDS}, [tabindex]`) ? place : place?.querySelector("input, button"))?.focus();
});

focusWrong(document.getElementById("content"));
