// Runs before everything else (first_script.py). The page speaks its own language, whatever the browser's: Gradio's
// built-in words follow navigator.language, so it is told which page this is.
(() => {
  const language = "__LANGUAGE__";
  for (const [name, value] of [["language", language], ["languages", [language]]]) {
    Object.defineProperty(navigator, name, { get: () => value, configurable: true });
  }
  document.documentElement.lang = language;
  document.documentElement.dataset.root = "__ROOT__";

  const dark = () => {
    const chosen = localStorage.getItem("ask-theme");
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const paint = () => {
    if (document.body) document.body.classList.toggle("dark", dark());
    document.documentElement.style.colorScheme = dark() ? "dark" : "light";
  };
  window.askTheme = () => { localStorage.setItem("ask-theme", dark() ? "light" : "dark"); paint(); };
  paint();
  document.addEventListener("DOMContentLoaded", () => {
    paint();
    // Gradio sets its own theme once it has started.
    new MutationObserver(() => {
      if (document.body.classList.contains("dark") !== dark()) paint();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);

  // The state of a tab stands in the address, so that it can be sent to a colleague.
  window.askUrl = (tab, values) => {
    const url = new URL(location.href);
    url.search = "";
    if (tab !== "chat") url.searchParams.set("tab", tab);
    for (const [name, value] of Object.entries(values || {})) {
      if (value !== null && value !== undefined && value !== "" && String(value) !== "") {
        url.searchParams.set(name, Array.isArray(value) ? value.join(",") : String(value));
      }
    }
    history.replaceState(null, "", url);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.lang");
    if (link) link.href = link.getAttribute("data-page") + location.search;
    const skip = event.target.closest("a.skip");
    if (skip) { event.preventDefault(); document.getElementById("ask-input")?.focus(); }
  });
})();
