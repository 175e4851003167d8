/** What the server writes into the page: who looks, and the answer of /api/frontend/settings. */
export interface BootData {
  user: BootUser;
  settings: Record<string, unknown>;
  /** Path of --web.external-url without a slash at the end. */
  subUrl: string;
  version: string;
}

export interface BootUser {
  id: number;
  uid: string;
  login: string;
  name: string;
  email: string;
  orgRole: 'Viewer' | 'Editor' | 'Admin';
  theme: string;
  timezone: string;
  weekStart: string;
  isSignedIn: boolean;
}

declare global {
  interface Window {
    grafanaBootData?: unknown;
    __grafana_public_path__?: string;
  }
}

export const bootData = read();

// The types of @grafana/runtime want many more fields than anything reads.
window.grafanaBootData = {
  assets: { dark: '', light: '' },
  navTree: [],
  user: { ...bootData.user, theme: effectiveTheme(bootData.user.theme), orgId: 1, orgName: 'Main Org.', permissions: {} },
  settings: { ...bootData.settings, appSubUrl: bootData.subUrl, featureToggles: {}, minRefreshInterval: '' },
};
window.__grafana_public_path__ = `${bootData.subUrl}/public/`;

function read(): BootData {
  const text = document.getElementById('boot')?.textContent ?? '';
  if (text.trim() === '') {
    throw new Error('the page has no boot data: it must be served by Ausguck');
  }
  return JSON.parse(text) as BootData;
}

/** Dark unless the user or, for "system", the browser wants light. */
function effectiveTheme(preference: string): string {
  if (preference === 'light' || preference === 'dark') {
    return preference;
  }
  if (preference === 'system' || preference === '') {
    return window.matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  }
  return preference;
}
