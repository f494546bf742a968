// Says that something goes on from the moment a link is followed or a form is sent until the next page is there, and lets a form be sent once.
const root = document.documentElement;
const note = document.getElementById("live-note");
const wait = 400;
let timer = 0;

addEventListener("submit", event => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "true";
});

addEventListener("beforeunload", () => {
  root.dataset.busy = "true";
  clearTimeout(timer);
  timer = setTimeout(() => { note.textContent = "Loading\u2026"; }, wait);
});

function end() {
  clearTimeout(timer);
  if (!root.dataset.busy) return;
  delete root.dataset.busy;
  note.textContent = "";
  for (const form of document.forms) delete form.dataset.sent;
}

// Somebody who comes back to a page, or does not want to wait.
addEventListener("pageshow", end);
addEventListener("keydown", event => {
  if (event.key === "Escape") end();
});
