// Browser features that Grafana's libraries expect, and the page's boot data.
const boot = document.createElement('script');
boot.id = 'boot';
boot.type = 'application/json';
boot.textContent = JSON.stringify({
  user: { id: 1, uid: 'u1', login: 'admin', name: '', email: '', orgRole: 'Admin', theme: 'dark', timezone: 'utc', weekStart: '', isSignedIn: true },
  settings: { datasources: {}, defaultDatasource: '', buildInfo: { version: '0', commit: '0', env: 'test' } },
  subUrl: '',
  version: 'test',
});
document.head.append(boot);
(window as { grafanaBootData?: unknown }).grafanaBootData = { assets: {}, navTree: [], settings: {}, user: { theme: 'dark' } };
window.matchMedia ??= (query: string) =>
  ({ matches: false, media: query, addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {} }) as unknown as MediaQueryList;
window.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
window.IntersectionObserver ??= class {
  root = null;
  rootMargin = '';
  thresholds = [];
  observe() {}
  unobserve() {}
  disconnect() {}
  takeRecords() {
    return [];
  }
} as unknown as typeof IntersectionObserver;
await import('./bootData');

export {};
