// Updates the elements with the attribute data-live: on each server-sent event it requests the page again and replaces these elements.
// Without this script, the page shows the state at the time it was loaded.
import { localize } from "./time.js";

const eventsUrl = document.body.dataset.liveFrom;
const note = document.getElementById("live-note");
let events = null, running = false, again = false;

function show(text) {
  if (note.textContent !== text) note.textContent = text;
}

// Open details stay open, so that a user who reads a log keeps their place.
function keepOpen(old, fresh) {
  const open = [...old.querySelectorAll("details")].map(details => [details.querySelector("summary")?.textContent, details.open]);
  for (const details of fresh.querySelectorAll("details")) {
    const known = open.find(([name]) => name === details.querySelector("summary")?.textContent);
    if (known) details.open = known[1];
  }
}

// The HTML of a part without relative times and open details, to find out whether its content changed.
function contentOf(part) {
  const copy = part.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.replaceWith(time.dateTime);
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  return copy.innerHTML;
}

function replaceParts(page) {
  let changed = false;
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    if (!old || contentOf(old) === contentOf(fresh)) continue;
    keepOpen(old, fresh);
    localize(fresh);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const focusKey = focused?.getAttribute("href") ?? focused?.closest("details")?.querySelector("summary")?.textContent;
    old.replaceChildren(...fresh.childNodes);
    changed = true;
    if (focused && focusKey) {
      const twin = [...old.querySelectorAll("a[href], summary")].find(element => element.getAttribute("href") === focusKey || element.textContent === focusKey);
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
      if (response.ok && replaceParts(new DOMParser().parseFromString(await response.text(), "text/html")))
        show(`Updated at ${new Date().toLocaleTimeString()}.`);
    } while (again);
  } catch {
    show("The server does not respond. This page may be outdated.");
  } finally {
    running = false;
  }
}

function listen() {
  events = new EventSource(eventsUrl);
  // The first event comes immediately, so a change before the connection was open is not missed.
  events.addEventListener("change", refresh);
  events.addEventListener("error", () => show("Lost the connection to the server. Reconnecting."));
  events.addEventListener("open", () => show(""));
}

function toggle() {
  if (document.hidden) {
    events?.close();
    events = null;
  } else if (!events) {
    listen();
  }
}

if (eventsUrl) {
  document.addEventListener("visibilitychange", toggle);
  addEventListener("pagehide", () => events?.close());
  toggle();
}
