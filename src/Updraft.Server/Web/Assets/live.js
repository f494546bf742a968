// Keeps the parts of a page that are marked data-live as they are on the server: an event says that something has changed, then the page is
// asked for again and those parts are exchanged. Without this script the page shows what was true when it was loaded.
import { localize } from "./time.js";

const from = document.body.dataset.liveFrom;
const note = document.getElementById("live-note");
let events = null, running = false, again = false;

function say(text) {
  if (note.textContent !== text) note.textContent = text;
}

// Somebody who reads a log or fills in a form keeps what is open and where he is.
function keep(old, fresh) {
  const open = [...old.querySelectorAll("details")].map(details => [details.querySelector("summary")?.textContent, details.open]);
  for (const details of fresh.querySelectorAll("details")) {
    const known = open.find(([name]) => name === details.querySelector("summary")?.textContent);
    if (known) details.open = known[1];
  }
}

// What a part says, apart from how long ago that was and what the reader has opened.
function shape(part) {
  const copy = part.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.replaceWith(time.dateTime);
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  return copy.innerHTML;
}

function exchange(page) {
  let changed = false;
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    if (!old || shape(old) === shape(fresh)) continue;
    keep(old, fresh);
    localize(fresh);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focused?.getAttribute("href") ?? focused?.closest("details")?.querySelector("summary")?.textContent;
    old.replaceChildren(...fresh.childNodes);
    changed = true;
    if (focused && place) {
      const twin = [...old.querySelectorAll("a[href], summary")].find(one => one.getAttribute("href") === place || one.textContent === place);
      twin?.focus({ preventScroll: true });
    }
  }
  return changed;
}

async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    do {
      again = false;
      const response = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (response.redirected && new URL(response.url).pathname !== location.pathname) {
        location.reload();
        return;
      }
      if (response.ok && exchange(new DOMParser().parseFromString(await response.text(), "text/html")))
        say(`Updated at ${new Date().toLocaleTimeString()}.`);
    } while (again);
  } catch {
    say("The server does not answer; what is shown may be old.");
  } finally {
    running = false;
  }
}

function listen() {
  events = new EventSource(from);
  // The first event comes at once: what happened before the connection stood is not missed.
  events.addEventListener("change", refresh);
  events.addEventListener("error", () => say("The connection to the server is interrupted; it is tried again."));
  events.addEventListener("open", () => say(""));
}

function toggle() {
  if (document.hidden) {
    events?.close();
    events = null;
  } else if (!events) {
    listen();
  }
}

if (from) {
  document.addEventListener("visibilitychange", toggle);
  addEventListener("pagehide", () => events?.close());
  toggle();
}
