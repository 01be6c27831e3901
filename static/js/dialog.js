// One native dialog for everything: a fragment that htmx puts into #dialog-content opens it; Esc and Cancel close it.
const dialog = document.getElementById("dialog");
const content = document.getElementById("dialog-content");
let opener = null;

export function openDialog() {
  if (dialog.open) return;
  opener = document.activeElement;
  dialog.showModal();
  const first =
    content.querySelector("[data-autofocus]") ||
    content.querySelector("input:not([type=hidden]), select, textarea, button:not([data-dialog-close])");
  first?.focus();
  first?.select?.();
}

export function closeDialog() {
  if (dialog.open) dialog.close();
}

dialog.addEventListener("close", () => {
  content.replaceChildren();
  if (opener?.isConnected) opener.focus();
  opener = null;
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-dialog-close]")) {
    event.preventDefault();
    closeDialog();
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  // After "none" the old content is still there, maybe on its way out: a check that was answered late opens nothing.
  const { target, xhr, requestConfig } = event.detail;
  if (
    target !== content ||
    xhr.getResponseHeader("HX-Reswap") === "none" ||
    requestConfig?.elt.getAttribute("hx-swap") === "none"
  )
    return;
  if (content.childElementCount) {
    const open = dialog.open;
    openDialog();
    if (open) (content.querySelector('[aria-invalid="true"]') || content.querySelector("[data-autofocus]"))?.focus();
  } else {
    closeDialog();
  }
});
document.body.addEventListener("dialog-close", closeDialog);

// A request that failed says so instead of leaving a button that does nothing.
function trouble(sentence) {
  const line = document.createElement("div");
  line.className = "toast-line message message-error";
  line.setAttribute("role", "alert");
  line.dataset.toast = "";
  const text = document.createElement("div");
  text.className = "text";
  text.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.dataset.toastClose = "";
  close.setAttribute("aria-label", "Close this message");
  close.textContent = "×";
  line.append(text, close);
  document.getElementById("toasts").append(line);
}

const quiet = (event) => event.detail.requestConfig?.triggeringEvent?.type === "live";
document.addEventListener("htmx:sendError", (event) => {
  if (!quiet(event)) trouble("The console does not answer. Nothing was changed; try again in a moment.");
});
document.addEventListener("htmx:responseError", (event) => {
  if (quiet(event)) return;
  const status = event.detail.xhr.status;
  const said = event.detail.xhr.getResponseHeader("X-Pairwise-Sentence");
  if (said) trouble(decodeURIComponent(said));
  else if (status === 403)
    trouble("Your role does not allow that, or your session ended. Reload the page and sign in again.");
  else if (status === 404) trouble("That object does not exist any more. Reload the page.");
  else
    trouble(
      `The console could not do that (error ${status}). Nothing was changed; the log of the web process says why.`,
    );
});
