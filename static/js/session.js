// Who is signed out is told so by a banner, and signs in again on top of the page, which stays as it is: nothing that
// happens in the background leaves a page. Before a session ends there is a notice, with a button that keeps it.
import { announce } from "./frame.js";
import { AWAY, trouble } from "./trouble.js";

const root = document.documentElement;
const NOTICE_S = 300;
const LOOK_MS = 20000;
const dialog = document.getElementById("sign-in");
const content = document.getElementById("sign-in-content");
let endsAt = Date.now() + Number(root.dataset.sessionLeft) * 1000;

/* Who is signed in, how long that lasts, the token of forms, and whether another password has to be chosen first:
   {name, left_s, may_stay, token, choose_first}. Null while the console does not answer; {trouble} when it answers with
   one. */
export async function session(method = "GET") {
  const headers = { "HX-Request": "true", "X-CSRFToken": token() };
  const answer = await fetch(root.dataset.session, { method, headers }).catch(() => null);
  if (!answer) return null;
  if (!answer.ok) return { trouble: said(answer.headers.get("X-Pairwise-Sentence")) };
  const now = await answer.json();
  renew(now.token);
  if (now.name) endsAt = Date.now() + now.left_s * 1000;
  if (now.name && !now.choose_first) document.getElementById("must-change")?.remove();
  return now;
}

export const said = (header) => (header ? decodeURIComponent(header) : "");

const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];

/* Every form of the page proves itself with this token from now on. */
export function renew(fresh) {
  if (!fresh) return;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": fresh }));
  for (const field of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) field.value = fresh;
}

// --- banners
function banner(id, sentence, label, act) {
  let line = document.getElementById(id);
  if (line) return line;
  line = document.createElement("div");
  line.id = id;
  line.className = "banner";
  line.setAttribute("role", "status");
  const words = document.createElement("span");
  words.textContent = sentence;
  line.append(words);
  if (label) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-small";
    button.textContent = label;
    button.addEventListener("click", act);
    line.append(button);
  }
  document.getElementById("banner-slot")?.append(line);
  return line;
}

const typed = () => document.querySelector("[data-typed]");

/* The session has ended; ``ask`` when somebody has just asked for something and should sign in now. What a page showed
   of a session that was ended is covered, unless somebody has typed on it. */
export function signedOut(ask) {
  document.getElementById("session-notice")?.remove();
  banner(
    "signed-out",
    typed()
      ? "You are signed out. What you typed is still here, but cannot be saved before you have signed in again."
      : "You are signed out. What this page showed is covered until you have signed in again.",
    "Sign in again",
    () => signIn(),
  );
  root.toggleAttribute("data-signed-out", true);
  root.toggleAttribute("data-covered", !typed());
  if (!typed()) document.getElementById("dialog").close();
  if (ask) signIn();
}

async function signIn() {
  if (dialog.open) return;
  const now = await session();
  if (now?.name) return signedIn({ ...now, must_change: Boolean(now.choose_first) });
  const answer = await fetch(root.dataset.login, { headers: { "HX-Request": "true" } }).catch(() => null);
  content.innerHTML = answer?.ok ? await answer.text() : "";
  if (!answer?.ok) return trouble(AWAY);
  window.htmx.process(content);
  dialog.showModal();
  const name = content.querySelector("input[name=username]");
  name.value = root.dataset.user || name.value;
  (name.value ? content.querySelector("input[name=password]") : name).focus();
}

// --- who is signed in shows once more who that is, before what is dangerous; then it is asked for again
let again = null;

export async function confirmFirst(address, retry) {
  if (dialog.open) return;
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  content.innerHTML = answer?.ok ? await answer.text() : "";
  if (!answer?.ok) return trouble(AWAY);
  window.htmx.process(content);
  again = retry;
  dialog.showModal();
  content.querySelector("[data-autofocus]")?.focus();
}

document.body.addEventListener("confirmed", () => {
  const retry = again;
  dialog.close();
  retry?.();
});

function signedIn({ name, token: fresh, must_change: must }) {
  renew(fresh);
  if (dialog.open) dialog.close();
  document.getElementById("signed-out")?.remove();
  root.removeAttribute("data-signed-out");
  // What another person may see is for the server to say.
  if (name !== root.dataset.user && !typed()) return location.reload();
  root.removeAttribute("data-covered");
  const again = must ? "Choose another password in a new tab, then send it again." : "You can send it again.";
  announce(`You are signed in again as ${name}. ${again}`);
  if (must)
    banner("must-change", `You are signed in as ${name}. ${again}`, "Change password", () =>
      open(root.dataset.password),
    );
  document.body.dispatchEvent(new CustomEvent("pairwise:signed-in"));
  session();
}

document.body.addEventListener("signed-in", (event) => signedIn(event.detail));
dialog.addEventListener("close", () => {
  content.replaceChildren();
  again = null;
});
dialog.addEventListener("click", (event) => {
  if (event.target.closest("[data-sign-in-close]")) dialog.close();
});

// --- before it ends
async function look() {
  if (!document.hidden && document.getElementById("must-change")) await session(); // chosen in another tab
  if (document.hidden || !root.dataset.user || root.hasAttribute("data-signed-out")) return;
  if (endsAt - Date.now() > NOTICE_S * 1000) return document.getElementById("session-notice")?.remove();
  const now = await session(); // another tab may have kept it
  if (!now || now.trouble) return;
  if (!now.name) return signedOut(false);
  if (now.left_s > NOTICE_S) return document.getElementById("session-notice")?.remove();
  const minutes = Math.max(1, Math.round(now.left_s / 60));
  const sentence = `You will be signed out in ${minutes} minute${minutes > 1 ? "s" : ""}.`;
  const stay = async () => {
    const kept = await session("POST");
    if (kept?.name && kept.left_s > NOTICE_S) document.getElementById("session-notice")?.remove();
    else if (kept && !kept.trouble) signedOut(true);
  };
  const line = now.may_stay
    ? banner("session-notice", sentence, "Stay signed in", stay)
    : banner("session-notice", `${sentence} Save what you work on and sign in again.`);
  line.querySelector("span").textContent = now.may_stay
    ? sentence
    : `${sentence} Save what you work on, then sign in again.`;
}

if (root.dataset.user) {
  setInterval(look, LOOK_MS);
  look();
  document.addEventListener("visibilitychange", look);
  // Back: the page is as it was left, and its token may be of a former sign-in.
  addEventListener("pageshow", async (event) => {
    if (!event.persisted) return;
    const now = await session();
    if (now && !now.trouble && !now.name) signedOut(false);
  });
}
