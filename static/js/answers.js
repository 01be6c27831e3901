// What comes back of every form and every part of a page, in one place: whatever went wrong is said in a sentence, and
// what was typed stays where it is.
import { confirmFirst, renew, said, session, signedOut } from "./session.js";
import { AWAY, trouble } from "./trouble.js";

/* Events by which somebody does something; everything else is the page's own, and no use of the session. */
const BY_HAND = new Set(["click", "submit", "change", "input", "keyup", "keydown", "search", "fill", "editor-changed"]);
const ASKS = new Set(["click", "submit"]);
const QUIET = new Set(["live", "poll"]);
const kind = (config) => config?.triggeringEvent?.type;

const SENTENCES = {
  403: "Your role does not allow that.",
  404: "That object does not exist any more. Reload the page.",
};

document.addEventListener("htmx:configRequest", (event) => {
  if (!BY_HAND.has(kind(event.detail))) event.detail.headers["X-Pairwise-Background"] = "1";
});
document.addEventListener("htmx:sendError", (event) => {
  if (!QUIET.has(kind(event.detail.requestConfig))) trouble(AWAY);
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr, requestConfig } = event.detail;
  renew(xhr.getResponseHeader("X-Pairwise-Token"));
  const confirmAt = xhr.getResponseHeader("X-Pairwise-Confirm");
  if (confirmAt) return ASKS.has(kind(requestConfig)) && confirmFirst(confirmAt, () => repeat(requestConfig));
  if (xhr.getResponseHeader("X-Pairwise-Sign-In")) return ended(ASKS.has(kind(requestConfig)));
  if (QUIET.has(kind(requestConfig))) return;
  trouble(
    said(xhr.getResponseHeader("X-Pairwise-Sentence")) ||
      SENTENCES[xhr.status] ||
      `The console could not do that (error ${xhr.status}). What you typed is still here; the log of the web process ` +
        "says why.",
  );
});

/* As if it was pressed once more. */
function repeat({ elt, triggeringEvent }) {
  if (!elt.isConnected) return;
  if (elt.matches("form")) elt.requestSubmit(triggeringEvent?.submitter);
  else elt.click();
}

/* What the page asked by itself may be answered only after somebody has signed in again. */
async function ended(ask) {
  if (ask || !(await session())?.name) signedOut(ask);
}

// --- forms that leave the page: asked first whether there is somebody who can take them
const passed = new Set();
const asking = new Set();

export const targetOf = (form, submitter) =>
  new URL(submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href);

function leaves(form, submitter) {
  const by = (element) => element?.closest("[hx-post], [hx-get]");
  const to = targetOf(form, submitter);
  const method = submitter?.getAttribute("formmethod") || form.method;
  return method === "post" && to.origin === location.origin && !by(form) && !by(submitter);
}

/* A check of what was typed that is under way would be answered beside the form, with another token at the worst. */
const checksOf = (form) => form.querySelector("[data-checks]");
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt.closest("form");
  if (event.detail.elt.matches("[data-checks]") && asking.has(form)) event.preventDefault();
});

async function ask(form, submitter) {
  if (checksOf(form)) window.htmx.trigger(checksOf(form), "htmx:abort");
  const now = await session();
  if (!now) return trouble(AWAY);
  if (now.trouble !== undefined)
    return trouble(
      now.trouble || "The console cannot do that now. What you typed is still here: try again in a moment.",
    );
  if (!now.name) return signedOut(true);
  if (now.choose_first && targetOf(form, submitter).pathname !== document.documentElement.dataset.password)
    return trouble(now.choose_first);
  passed.add(form);
  form.requestSubmit(submitter?.isConnected ? submitter : undefined);
}

addEventListener(
  "submit",
  async (event) => {
    const { target: form, submitter } = event;
    if (!document.documentElement.dataset.user || form.matches("[data-display], [data-sign-out]")) return;
    if (passed.delete(form) || !leaves(form, submitter)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (asking.has(form)) return;
    asking.add(form);
    await ask(form, submitter).finally(() => asking.delete(form));
  },
  true,
);
