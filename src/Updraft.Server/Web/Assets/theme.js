// Runs before the first paint: applies the theme that the user chose in this browser.
const root = document.documentElement;
const names = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };

function chosenTheme() {
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

apply(chosenTheme());
addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const next = { auto: "dark", dark: "light", light: "auto" };
  button.hidden = false;
  button.textContent = names[chosenTheme()] ?? names.auto;
  button.addEventListener("click", () => {
    const theme = next[chosenTheme()] ?? "auto";
    try {
      localStorage.setItem("updraft-theme", theme);
    } catch {
      // Without local storage, the theme lasts until the next page.
    }
    apply(theme);
    button.textContent = names[theme];
  });
});
