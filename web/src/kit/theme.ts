import { getBackendSrv } from '@grafana/runtime';

/** Stores the theme and draws the page anew with it. */
export async function chooseTheme(theme: 'light' | 'dark' | 'system') {
  await getBackendSrv().patch('/api/user/preferences', { theme });
  window.location.reload();
}
