/** Data that the server embeds in the page: the current user and the response of /api/frontend/settings. */
export interface BootData {
  user: BootUser;
  settings: Record<string, unknown>;
  /** Path of --web.external-url without a trailing slash. */
  subUrl: string;
  version: string;
  /** Time of the oldest sample, in milliseconds since 1970; missing while there is none. */
  oldestSample?: number;
  /** The dashboard at the address of the page, as /api/dashboards/uid/… answers; `home` at the address /. */
  dashboard?: { uid: string; home: boolean; answer: unknown };
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
    /** Set by static/boot.js, which runs before everything else. */
    __grafana_public_path__?: string;
  }
}

export const bootData: BootData = JSON.parse(document.getElementById('boot')?.textContent ?? '') as BootData;

/**
 * Returns the dashboard embedded in the page, by uid or the home dashboard, but only once: later visits request the
 * current state.
 */
export function dashboardOfPage(uid?: string): unknown {
  const { dashboard } = bootData;
  if (!dashboard || (uid === undefined ? !dashboard.home : dashboard.uid !== uid)) {
    return undefined;
  }
  delete bootData.dashboard;
  return dashboard.answer;
}
