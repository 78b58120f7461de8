// Passkeys: hands the server's question to the browser, and the answer back by an ordinary form.
"use strict";

(() => {
  const toBytes = (text) => {
    const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  };

  const toText = (buffer) => {
    const characters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(characters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  // What PublicKeyCredential.parse…OptionsFromJSON does (Web Authentication Level 3 §5.1.8 to §5.1.10), for browsers
  // that are older than it.
  const parsed = (options) => {
    const known = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));
    const result = { ...options, challenge: toBytes(options.challenge) };
    if (options.user) {
      result.user = { ...options.user, id: toBytes(options.user.id) };
      result.excludeCredentials = known(options.excludeCredentials);
    } else {
      result.allowCredentials = known(options.allowCredentials);
    }
    return result;
  };

  // What PublicKeyCredential.toJSON does; some password managers' credentials have it and fail at it.
  const written = (credential) => {
    const response = credential.response;
    const told = { clientDataJSON: toText(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) {
        told[name] = toText(response[name]);
      }
    }
    if (response.getTransports) {
      told.transports = response.getTransports();
    }
    return {
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response: told,
      clientExtensionResults: {},
    };
  };

  const prepare = (form) => {
    const button = form.querySelector("[data-passkey-start]");
    const failed = form.querySelector("[data-passkey-failed]");
    const show = (element, isShown) => {
      if (element) {
        element.hidden = !isShown;
      }
    };
    show(form.querySelector("[data-passkey-missing]"), false);
    show(button, true);

    button.addEventListener("click", async () => {
      const publicKey = parsed(JSON.parse(form.dataset.options));
      show(failed, false);
      button.disabled = true;
      try {
        const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
        form.querySelector("input[name=code]").value = JSON.stringify(written(credential));
        form.submit();
      } catch {
        // Cancelled, too late, no passkey, one that is there already: browsers don't tell them apart, on purpose.
        show(failed, true);
        button.disabled = false;
      }
    });
  };

  if (window.PublicKeyCredential && navigator.credentials) {
    document.querySelectorAll("form[data-passkey]").forEach(prepare);
  }
})();
