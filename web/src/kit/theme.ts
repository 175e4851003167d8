import { getBackendSrv } from '@grafana/runtime';

/** Saves the theme and reloads the page with it. */
export async function chooseTheme(theme: 'light' | 'dark' | 'system') {
  await getBackendSrv().patch('/api/user/preferences', { theme });
  window.location.reload();
}
