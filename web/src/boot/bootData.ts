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
    /** Set by static/boot.js, which runs before this and everything else. */
    __grafana_public_path__?: string;
  }
}

export const bootData = JSON.parse(document.getElementById('boot')?.textContent ?? '') as BootData;
