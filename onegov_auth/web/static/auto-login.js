// Asks, at most once a minute, whether this browser can prove by itself who it is; if so, the page is loaded again.
(function () {
  "use strict";
  var script = document.currentScript;
  var key = "onegov-auth-auto-login";
  var now = Date.now();
  try {
    if (now - Number(localStorage.getItem(key) || 0) < 60000) { return; }
    localStorage.setItem(key, String(now));
  } catch (error) {
    // Without a memory it would ask on every page.
    return;
  }
  fetch(script.dataset.url, { credentials: "same-origin", redirect: "error", cache: "no-store" }).then(function (response) {
    if (response.status !== 200) { return; }
    if (location.pathname === script.dataset.login) {
      location.assign(script.dataset.home);
    } else {
      location.reload();
    }
  }, function () { /* The page works without. */ });
})();
