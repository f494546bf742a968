// Shows a progress bar from the start of a navigation until the next page is loaded, and prevents a second submit of the same form.
const root = document.documentElement;
const note = document.getElementById("live-note");
const noteDelay = 400;
let timer = 0;

addEventListener("submit", event => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.submitted) event.preventDefault();
  event.target.dataset.submitted = "true";
});

addEventListener("beforeunload", () => {
  root.dataset.busy = "true";
  clearTimeout(timer);
  timer = setTimeout(() => { note.textContent = "Loading\u2026"; }, noteDelay);
});

function end() {
  clearTimeout(timer);
  if (!root.dataset.busy) return;
  delete root.dataset.busy;
  note.textContent = "";
  for (const form of document.forms) delete form.dataset.submitted;
}

// The user went back to this page, or canceled the navigation.
addEventListener("pageshow", end);
addEventListener("keydown", event => {
  if (event.key === "Escape") end();
});
