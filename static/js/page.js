// What every page does. Light, dark, or as the system says: runs before the page is drawn, so that a remembered choice does not flicker.
(() => {
  "use strict";
  const root = document.documentElement;
  const CHOICES = ["auto", "light", "dark"];

  function remembered() {
    try {
      const choice = localStorage.getItem("theme");
      return CHOICES.includes(choice) ? choice : "auto";
    } catch {
      return "auto"; // a browser that keeps nothing still shows the page
    }
  }

  function remember(choice) {
    try {
      localStorage.setItem("theme", choice);
    } catch {
      // kept for this page alone
    }
  }

  function apply(choice) {
    if (choice === "auto") delete root.dataset.theme;
    else root.dataset.theme = choice;
    document.dispatchEvent(new Event("themechange"));
  }

  let choice = remembered();
  apply(choice);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    const name = () => { button.textContent = `Theme: ${choice}`; };
    name();
    button.hidden = false;
    button.addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      remember(choice);
      apply(choice);
      name();
    });
    // Days run from left to right, and the newest are what one comes for
    for (const box of document.querySelectorAll("[data-newest-last]")) box.scrollLeft = box.scrollWidth;
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("themechange")));
  // Paper is white: charts are drawn anew in the light colours, and back afterwards
  addEventListener("beforeprint", () => apply("light"));
  addEventListener("afterprint", () => apply(choice));
})();
