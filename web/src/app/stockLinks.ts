import { stockPath } from '../links/addresses';

/**
 * Leads fragments such as /#/silences/new?filter={…}, which links of a stock Alertmanager have, to the pages here. Only
 * browsers see fragments.
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
