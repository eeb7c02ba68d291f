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
