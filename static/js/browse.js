// The Browse dialog: the filter keeps the focus, arrow keys move the choice, Enter and double-click take it.
const results = () => document.getElementById("browse-results");
const options = () => [...(results()?.querySelectorAll(".browse-option") || [])];
const chosen = () => results()?.querySelector('.browse-option[aria-selected="true"]');

// What was chosen last: results that come anew keep it, and OK takes it even while they come.
let choice = null;

function choose(option) {
  choice = option ? { key: option.dataset.key, name: option.dataset.name } : null;
  for (const item of options()) item.setAttribute("aria-selected", String(item === option));
  const filter = document.querySelector(".browse-filter input");
  const ok = document.querySelector("[data-browse-ok]");
  ok.disabled = !option;
  document.getElementById("browse-chosen").textContent = option ? option.dataset.name : "";
  if (!option) {
    filter.removeAttribute("aria-activedescendant");
    return;
  }
  filter.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
  // What comes after the last one is fetched once its place is seen (browse/_options.html).
  if (option === options().at(-1)) document.getElementById("browse-more")?.scrollIntoView({ block: "nearest" });
}

function take() {
  const browse = document.querySelector("[data-browse]");
  if (!choice || !browse) return;
  document.body.dispatchEvent(
    new CustomEvent("browse-picked", { detail: { field: browse.dataset.browse, ...choice } }),
  );
  document.getElementById("dialog").close();
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.(".browse-filter input")) return;
  if (event.key in STEPS) {
    event.preventDefault();
    const all = options();
    if (!all.length) return;
    const at = all.indexOf(chosen());
    choose(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + STEPS[event.key]))]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    take();
  }
});
document.addEventListener("click", (event) => {
  const option = event.target.closest(".browse-option");
  if (option) {
    choose(option);
    document.querySelector(".browse-filter input").focus();
  }
  if (event.target.closest("[data-browse-ok]")) take();
});
document.addEventListener("dblclick", (event) => {
  if (event.target.closest(".browse-option")) take();
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.detail.elt.closest?.("#dialog") || !results()) return;
  if (event.detail.target?.id === "browse-more") return; // further ones below what is chosen
  const all = options();
  // What is chosen stays chosen; a filter that leaves one thing has chosen it.
  const kept =
    event.detail.elt.id === "browse-results" && choice && all.find((option) => option.dataset.key === choice.key);
  choose(
    kept ||
      chosen() ||
      (all.length === 1 || document.querySelector(".browse-filter input").value ? all[0] : null) ||
      null,
  );
});

// --- a field that finds what stands in the <select> below it (pairwise/layout/server.html)
document.addEventListener("htmx:load", (event) => {
  // What is looked for is no value of the form: nothing is checked or kept because of it.
  const find = event.detail.elt.querySelector?.("[data-find]");
  for (const kind of ["input", "change"]) {
    find?.parentElement.addEventListener(kind, (typed) => typed.stopPropagation());
  }
});
document.addEventListener("keydown", (event) => {
  const find = event.target;
  const found = document.getElementById(find.dataset?.find);
  if (!found || !["Enter", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  // What is listed may be what was typed before: then the answer is waited for.
  find.toggleAttribute("data-awaited", !answers(found, find));
  if (answers(found, find)) takeFound(found);
  else htmx.trigger(find, "find");
});
document.addEventListener("htmx:afterSettle", (event) => {
  const find = document.querySelector("[data-find][data-awaited]");
  const found = document.getElementById(find?.dataset.find);
  if (!found || !answers(found, find)) return;
  find.removeAttribute("data-awaited");
  if (document.activeElement === find) takeFound(found);
});

const answers = (found, find) => found.closest(".choices").dataset.text === find.value.trim();

function takeFound(found) {
  // What was chosen before stands above what was found.
  const kept = "kept" in found.closest(".choices").dataset ? found.options[0] : null;
  const first = [...found.options].find((option) => option.value && option !== kept);
  if (first && [undefined, kept].includes(found.selectedOptions[0])) {
    first.selected = true;
    found.dispatchEvent(new Event("change", { bubbles: true }));
  }
  found.focus();
}
