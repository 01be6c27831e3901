/* The lines of a server's own log (templates/server_log/tab.html): Follow, Older, and the search in what is loaded.
   What came is in the list; where it begins and ends in the file is in data-begins and data-ends of its element. */
const EVERY_MS = 2000;
const MOST_LINES = 20000;
const SEARCHED_PAGES = 25; // of a thousand lines each, with one press
const AWAY = "The console does not answer, or you are signed out. It is tried again.";

const part = (log, name) => log.querySelector(`[data-log-${name}]`);
const logOf = (element) => element.closest("[data-server-log]");
const says = (log, sentence) => {
  const line = part(log, "says");
  if (line && line.textContent !== sentence) line.textContent = sentence;
};

/* {lines, begins, …} as the console answers it, or null when that is said. */
async function ask(log, values, background = false) {
  const address = new URL(log.dataset.address, location.href);
  for (const [name, value] of Object.entries({ file: log.dataset.file, ...values }))
    address.searchParams.set(name, value);
  const headers = background ? { "X-Pairwise-Background": "1" } : {};
  const answer = await fetch(address, { headers })
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  const trouble = answer ? answer.trouble : AWAY;
  if (trouble) says(log, trouble);
  return trouble ? null : answer;
}

// --- lines
function item(text, name = "") {
  const line = document.createElement("li");
  line.textContent = text;
  line.className = name;
  return line;
}

function itemsOf({ lines, unfinished }) {
  const items = lines.map((text) => item(text));
  if (unfinished) items.at(-1).dataset.unfinished = "";
  return items;
}

const isAtEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 40;

function append(log, answer) {
  const list = part(log, "lines"),
    stays = isAtEnd(list);
  list.querySelector("[data-unfinished]")?.remove();
  if (answer.anew) {
    list.append(
      item("The file was begun anew here. What was before is among those that were kept.", "server-log-break"),
    );
    bound(log, 0); // the places of the former file say nothing of this one
  }
  if (answer.skipped) list.append(item(`${answer.skipped} bytes are left out here.`, "server-log-break"));
  list.append(...itemsOf(answer));
  Object.assign(log.dataset, { ends: answer.ends, of: answer.of });
  if (answer.lines.length) part(log, "none")?.remove();
  if (list.children.length > MOST_LINES) forget(log, list);
  filter(log);
  if (stays) list.scrollTop = list.scrollHeight;
}

/* A page holds a bounded number: the oldest go, and with them the way to those before. */
function forget(log, list) {
  while (list.children.length > MOST_LINES) list.firstElementChild.remove();
  bound(log, 0);
  log.dataset.forgot = "";
}

function prepend(log, answer) {
  const list = part(log, "lines"),
    height = list.scrollHeight;
  list.prepend(...itemsOf(answer));
  bound(log, answer.begins);
  filter(log);
  list.scrollTop += list.scrollHeight - height;
}

function bound(log, begins) {
  log.dataset.begins = begins;
  for (const name of ["older", "search-older"]) part(log, name).hidden = !begins;
}

// --- search
const sought = (log) => part(log, "search").value.trim().toLowerCase();
const fits = (text, words) => text.toLowerCase().includes(words);

function filter(log) {
  const words = sought(log),
    lines = [...part(log, "lines").children];
  let found = 0;
  for (const line of lines) {
    line.hidden = words !== "" && !fits(line.textContent, words);
    if (!line.hidden) found += 1;
  }
  const older = "forgot" in log.dataset ? " Older ones are not kept on this page: choose the file again." : "";
  says(log, words ? `${found} of ${lines.length} lines hold it.` : `${lines.length} lines.${older}`);
  return found;
}

async function older(log) {
  const answer = await ask(log, { before: log.dataset.begins });
  if (!answer) return null;
  if (answer.of !== log.dataset.of) {
    bound(log, 0);
    says(log, "The file was begun anew. Choose it again, or one of those that were kept.");
    return null;
  }
  prepend(log, answer);
  return answer;
}

async function searchOlder(log) {
  const words = sought(log);
  for (let page = 0; page < SEARCHED_PAGES && Number(log.dataset.begins) && words === sought(log); page += 1) {
    says(log, "Searching…");
    const answer = await older(log);
    if (!answer || part(log, "lines").children.length >= MOST_LINES) return;
    if (words && answer.lines.some((line) => fits(line, words))) return;
  }
}

// --- Follow
async function look(log) {
  const { ends, of } = log.dataset;
  const answer = await ask(log, { after: ends, of }, true);
  if (answer && log.isConnected && ends === log.dataset.ends) append(log, answer);
  return Boolean(answer?.more);
}

async function follow(log) {
  const button = part(log, "follow");
  while (log.isConnected && button.getAttribute("aria-pressed") === "true") {
    // A tab that is not chosen, or a window that nobody sees, asks for nothing.
    const more = !document.hidden && log.offsetParent !== null && (await look(log));
    if (!more) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  delete log.dataset.follows;
}

function toggle(log, button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  if (!on || "follows" in log.dataset) return;
  log.dataset.follows = "";
  const list = part(log, "lines");
  list.scrollTop = list.scrollHeight;
  follow(log);
}

// --- what is pressed
async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  await work();
  button.removeAttribute("aria-busy");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-log-follow], [data-log-older], [data-log-search-older]");
  if (!button) return;
  const log = logOf(button);
  event.preventDefault();
  if (button.matches("[data-log-follow]")) toggle(log, button);
  else busy(button, () => (button.matches("[data-log-older]") ? older(log) : searchOlder(log)));
});
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-log-search]") && part(logOf(event.target), "lines")) filter(logOf(event.target));
});
// Enter would leave the page for the one without scripts.
document.addEventListener("submit", (event) => {
  if (event.target.matches(".server-log .filters")) event.preventDefault();
});

function begin() {
  for (const log of document.querySelectorAll("[data-server-log]:not([data-begun])")) {
    log.dataset.begun = "";
    const list = part(log, "lines");
    if (!list) continue;
    filter(log);
    list.scrollTop = list.scrollHeight;
  }
}
document.addEventListener("htmx:afterSettle", begin);
begin();
