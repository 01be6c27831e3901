// What went wrong, said in a sentence.
export const AWAY = "The console does not answer. What you typed is still here: try again in a moment.";

/* Say it where it is seen: in the dialog on top, else among the messages. */
export function trouble(sentence) {
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
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  const place = open?.querySelector(".body") ?? open?.querySelector(".dialog-box") ?? document.getElementById("toasts");
  for (const same of place.querySelectorAll(":scope > [data-toast]"))
    if (same.querySelector(".text").textContent === sentence) same.remove();
  if (open) place.prepend(line);
  else place.append(line);
}
