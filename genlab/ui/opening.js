// What is done before anything of the page is, by a script without modules.

try { decodeURIComponent(location.search); } // which Gradio may not be able to read
catch { history.replaceState(null, "", "?" + new URLSearchParams(location.search)); }

// ?lang= chooses the language of the page, and a cookie keeps it for all that the browser and the server say later; ?lang= alone forgets it.
(() => {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked !== null) document.cookie = `genlab-language=${encodeURIComponent(asked)}; path=/; SameSite=Lax${asked ? "" : "; max-age=0"}`;
  const kept = /(?:^|; )genlab-language=([\w-]+)/.exec(document.cookie)?.[1];
  if (!kept) return;
  const languages = [kept, ...navigator.languages]; // what Gradio asks, too
  Object.defineProperty(navigator, "language", { get: () => kept });
  Object.defineProperty(navigator, "languages", { get: () => languages });
  document.documentElement.lang = kept;
})();
