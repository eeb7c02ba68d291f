"use strict";

document.getElementById("again").addEventListener("click", () => window.location.reload());

// The terminal takes no keys before somebody clicks into it, unless it is told to.
const watcher = new MutationObserver(() => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys) {
    watcher.disconnect();
    keys.focus();
  }
});
watcher.observe(document.documentElement, { childList: true, subtree: true });

// One message of the page holds one paste, and the server takes none of any size.
const LONGEST_PASTE = 8_000_000;
document.addEventListener(
  "paste",
  (event) => {
    const text = event.clipboardData ? event.clipboardData.getData("text/plain") : "";
    if (text.length > LONGEST_PASTE) {
      event.preventDefault();
      event.stopImmediatePropagation();
      window.alert("This is too long to paste. Save it in a file, and name that with @.");
    }
  },
  true,
);
