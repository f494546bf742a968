// Before the first paint: the reader's own choice of dark or light, which stays in this browser.
const root = document.documentElement;
const names = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };

function chosen() {
  try {
    return localStorage.getItem("updraft-theme") ?? "auto";
  } catch {
    return "auto";
  }
}

function apply(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
}

apply(chosen());
addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const next = { auto: "dark", dark: "light", light: "auto" };
  button.hidden = false;
  button.textContent = names[chosen()] ?? names.auto;
  button.addEventListener("click", () => {
    const theme = next[chosen()] ?? "auto";
    try {
      localStorage.setItem("updraft-theme", theme);
    } catch {
      // A browser that keeps nothing shows it until the next page.
    }
    apply(theme);
    button.textContent = names[theme];
  });
});
