// Buttons that copy a text, or select it where the browser lets no page write to the clipboard.
const COPIED_MS = 2000;

function offerCopies(scope) {
  for (const button of scope.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.querySelector("span");
  const label = words.textContent;
  const text = document.querySelector(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(text.textContent);
    words.textContent = "Copied";
  } catch {
    // The browser does not let it: what is selected can be copied by hand.
    getSelection().selectAllChildren(text);
    words.textContent = "Selected";
  }
  setTimeout(() => {
    words.textContent = label;
  }, COPIED_MS);
});
document.addEventListener("htmx:afterSettle", () => offerCopies(document));
offerCopies(document);
