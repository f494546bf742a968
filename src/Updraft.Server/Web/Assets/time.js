// Shows times relative to now or in the user's time zone; the title has the exact local and UTC time.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function format(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  if (Math.abs(seconds) >= 7 * 86400) return exact.format(at);
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
  return relative.format(Math.trunc(seconds / size), unit);
}

export function localize(part = document) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = `${exact.format(at)} local time, ${at.toISOString().replace("T", " ").replace("Z", " UTC")}`;
    const text = format(at);
    if (time.textContent !== text) time.textContent = text;
  }
}

localize();
setInterval(localize, 15000);
