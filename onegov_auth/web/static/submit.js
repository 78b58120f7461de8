// Sends the one form of the page that only passes something on; without scripts there is a button.
document.querySelector("form[data-submit]").submit();
