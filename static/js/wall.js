// The wall display asks for itself every few seconds, without a session, and says so when nobody answers.
import { soFar } from "./times.js";

const EVERY_MS = 5000;
const WAIT_MS = 10000;
const TICK_MS = 1000;

const pad = (number) => String(number).padStart(2, "0");
const clock = (at) => [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(":");
let heardAt = new Date();

function tick() {
  for (const time of document.querySelectorAll("time[data-so-far]"))
    time.textContent = soFar((Date.now() - Date.parse(time.dateTime)) / 1000);
  for (const time of document.querySelectorAll("time[data-local]")) time.textContent = clock(new Date(time.dateTime));
}

function say(sentence) {
  const line = document.getElementById("wall-lost");
  if (line.textContent !== sentence) line.textContent = sentence;
  line.hidden = !sentence;
  document.body.classList.toggle("wall-old", Boolean(sentence));
}

async function ask() {
  const asked = await fetch(location.href, {
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.timeout(WAIT_MS),
  }).catch(() => null);
  const text = asked?.ok ? await asked.text().catch(() => "") : "";
  const now = new DOMParser().parseFromString(text, "text/html");
  const main = now.getElementById("wall");
  if (main) {
    document.getElementById("wall").replaceWith(main);
    document.title = now.title;
    document.getElementById("page-icon").href = now.getElementById("page-icon").getAttribute("href");
    heardAt = new Date();
    say("");
    tick();
  } else if (asked?.status === 404) {
    say("This address is good for nothing any more: ask an Administrator for another one.");
  } else {
    say(`No contact with Pairwise since ${clock(heardAt)}`);
  }
  setTimeout(ask, EVERY_MS);
}

tick();
setInterval(tick, TICK_MS);
setTimeout(ask, EVERY_MS);
