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

/* ``next`` gets the focus in place of what it was opened by. */
export function closeDialog(next) {
  if (next) opener = next;
  if (dialog.open) dialog.close();
}

dialog.addEventListener("close", () => {
  content.replaceChildren();
  // What it was opened by may have been drawn anew meanwhile.
  if (opener) (opener.isConnected ? opener : document.getElementById(opener.id))?.focus();
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
    if (open) content.querySelector("[data-autofocus]")?.focus();
  } else {
    closeDialog();
  }
});
document.body.addEventListener("dialog-close", () => closeDialog());

// What is outside of an open dialog lies below it and cannot be used: messages go where they can be seen and closed.
const toasts = document.getElementById("toasts");
new MutationObserver(() => {
  const place = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  if (toasts.parentElement !== place) place.append(toasts);
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["open"] });
