for (const browser of document.querySelectorAll(".browser")) {
  const form = browser.querySelector(".filters");
  const figures = [...browser.querySelectorAll("figure")];
  const show = () => {
    const wanted = new FormData(form);
    const from = Number(wanted.get("from") ?? 0), to = Number(wanted.get("to") ?? 1);
    const low = Math.min(from, to), high = Math.max(from, to);
    const any = low <= 0 && high >= 1;
    let count = 0;
    for (const figure of figures) {
      const { iou } = figure.dataset;
      const fits =
        ["line", "class", "verdict"].every((key) => !wanted.get(key) || wanted.get(key) === figure.dataset[key]) &&
        (any || (iou !== "" && iou >= low && iou <= high));
      figure.hidden = !fits;
      count += fits;
    }
    const range = form.querySelector(".range");
    if (range) range.textContent = `${low.toFixed(2)} to ${high.toFixed(2)}`;
    form.querySelector("output").textContent = `${count} of ${figures.length} pictures`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  form.hidden = false;
  show();
}

for (const button of document.querySelectorAll(".command button")) {
  const command = button.parentElement.querySelector("pre");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(command);
      button.textContent = "selected";
    }
  });
}
