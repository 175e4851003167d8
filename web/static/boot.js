// What Grafana's libraries read while they are loaded. A classic script, so that it runs before every module.
(() => {
  const text = document.getElementById('boot')?.textContent ?? '';
  if (text.trim() === '') {
    throw new Error('the page has no boot data: it must be served by Ausguck');
  }
  const { user, settings, subUrl } = JSON.parse(text);
  const light = matchMedia('(prefers-color-scheme: light)').matches;
  const theme = user.theme === '' || user.theme === 'system' ? (light ? 'light' : 'dark') : user.theme;
  window.grafanaBootData = {
    assets: { dark: '', light: '' },
    navTree: [],
    user: { ...user, theme, orgId: 1, orgName: 'Main Org.', permissions: {} },
    settings: { ...settings, appSubUrl: subUrl, featureToggles: {}, minRefreshInterval: '' },
  };
  window.__grafana_public_path__ = `${subUrl}/public/`;
})();
