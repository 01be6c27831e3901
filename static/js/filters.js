// The filter of a list: a Time and From or To contradict each other, so what was chosen last counts alone.
const INSTEAD = { time: ["since", "until"], since: ["time"], until: ["time"] };

document.addEventListener("input", ({ target }) => {
  if (!target.value || !target.form?.matches("form.filters")) return;
  for (const name of INSTEAD[target.name] ?? []) {
    const other = target.form.elements[name];
    if (other) other.value = "";
  }
});
