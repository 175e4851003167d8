import { bool, compact, objs, str, strs, text, type Json } from './json';

/** Replaces the names that variables in links had before Grafana 6.5 and 7.0 with the current ones. */
export function renameLinkVariables(url: string): string {
  return url
    .replace(/\$__(series|field)_name/g, (_match, of: string) => `\${__${of}.name}`)
    .replace(/__(series|field)_name/g, (_match, of: string) => `__${of}.name`)
    .replace(/__value_time/g, '__value.time')
    .replace(/__series\.labels/g, '__field.labels');
}

/** Data links with current names; entries without a URL or internal link are dropped. */
export function dataLinks(value: unknown): Json[] {
  return objs(value)
    .filter((link) => str(link.url) !== undefined || link.internal !== undefined)
    .map((link) => ({
      ...link,
      title: renameLinkVariables(str(link.title) ?? ''),
      url: renameLinkVariables(str(link.url) ?? ''),
    }));
}

/** Links in a panel header. Links to a dashboard by name become a search for that name. */
export function panelLinks(value: unknown): Json[] {
  return objs(value).map((link) => {
    const dashboard = text(link.dashboard) ?? text(link.dashUri)?.replace(/^db\//, '');
    let url = text(link.url) ?? '';
    if (dashboard !== undefined && (link.type === 'dashboard' || url === '')) {
      url = `/dashboards?query=${encodeURIComponent(dashboard)}`;
    }
    const params = [
      link.keepTime === true ? '$__url_time_range' : undefined,
      link.includeVars === true ? '$__all_variables' : undefined,
      text(link.params),
    ].filter((param) => param !== undefined);
    if (params.length > 0) {
      url += (url.includes('?') ? '&' : '?') + params.join('&');
    }
    return compact({
      title: str(link.title) ?? '',
      url: renameLinkVariables(url),
      targetBlank: bool(link.targetBlank),
    });
  });
}

/** Links in the dashboard header. */
export function dashboardLinks(value: unknown): Json[] {
  return objs(value).map((link) => {
    const dashboard = text(link.dashboard) ?? text(link.dashUri)?.replace(/^db\//, '');
    const single = link.type === 'dashboard' || (link.type !== 'dashboards' && text(link.url) === undefined && dashboard !== undefined);
    const url = single && dashboard !== undefined ? `/dashboards?query=${encodeURIComponent(dashboard)}` : (str(link.url) ?? '');
    return compact({
      ...link,
      type: link.type === 'dashboards' ? 'dashboards' : 'link',
      title: str(link.title) ?? dashboard ?? '',
      url,
      icon: str(link.icon) ?? (link.type === 'dashboards' ? '' : 'external link'),
      tooltip: str(link.tooltip) ?? '',
      tags: strs(link.tags),
      asDropdown: link.asDropdown === true,
      targetBlank: link.targetBlank === true,
      includeVars: link.includeVars === true,
      keepTime: link.keepTime === true,
      dashboard: undefined,
      dashUri: undefined,
    });
  });
}
