import { stockPath } from '../links/addresses';

/**
 * Redirects fragments such as /#/silences/new?filter={…}, used in links to a stock Alertmanager, to the pages here.
 * Fragments are only visible to the browser.
 */
export function followStockLinks(subUrl: string) {
  const follow = () => {
    const path = window.location.pathname.slice(subUrl.length).replace(/^\/?$/, '/') === '/' ? stockPath(window.location.hash) : undefined;
    if (path !== undefined) {
      window.location.replace(subUrl + path);
    }
  };
  follow();
  window.addEventListener('hashchange', follow);
}
