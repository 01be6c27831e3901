// A passkey is made or shown by the browser; what it answers goes with the form, like what is typed.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button) return;
  event.preventDefault();
  const form = button.form;
  const wrong = form.querySelector("[data-passkey-error]");
  wrong.hidden = true;
  // The console says what is missing before a passkey is made in vain.
  if (form.elements.name && !form.elements.name.value.trim()) return form.requestSubmit();
  try {
    form.elements.answer.value = JSON.stringify(await answered(button.dataset.passkey, button.dataset.options));
  } catch {
    wrong.hidden = false;
    return;
  }
  form.requestSubmit();
});

async function answered(verb, text) {
  const options = JSON.parse(text);
  const credential =
    verb === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return credential.toJSON();
}
