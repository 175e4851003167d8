// Links of a stock Alertmanager have their page in the fragment, which the server never sees: it is handed on here.
(() => {
  const target = document.querySelector('input[name=redirectTo]');
  if (target && location.hash && !target.value.includes('#')) {
    target.value = (target.value || '/') + location.hash;
  }
})();
