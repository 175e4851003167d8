import { bool, compact, isObject, num, obj, str, strs, text, without, type Json } from './json';

/** Before Grafana 7, the text panel stored mode and content outside its options. */
export function migrateText(panel: Json): Json {
  const options = obj(panel.options);
  const mode = text(options.mode) ?? text(panel.mode);
  return {
    ...without(panel, ['mode', 'content']),
    type: 'text',
    options: {
      ...options,
      mode: mode === 'html' || mode === 'code' ? mode : 'markdown',
      content: str(options.content) ?? str(panel.content) ?? '',
    },
  };
}

const oldAlertKeys = ['show', 'limit', 'onlyAlertsOnDashboard', 'nameFilter', 'dashboardFilter', 'folderId', 'dashboardTags', 'stateFilter', 'sortOrder'];

/** Converts the alert list for dashboard alerts to the one for alerting rules. */
export function migrateAlertlist(panel: Json): Json {
  const options = obj(panel.options);
  if (isObject(options.stateFilter)) {
    return panel;
  }
  const old: Json = { ...panel, ...options };
  const states = strs(old.stateFilter);
  const has = (...names: string[]) => states.length === 0 || names.some((name) => states.includes(name));
  return {
    ...without(panel, oldAlertKeys),
    options: {
      ...without(options, oldAlertKeys),
      viewMode: 'list',
      groupMode: 'default',
      groupBy: [],
      maxItems: num(options.maxItems) ?? num(old.limit) ?? 20,
      sortOrder: num(old.sortOrder) ?? 1,
      dashboardAlerts: bool(options.dashboardAlerts) ?? old.onlyAlertsOnDashboard === true,
      alertName: text(options.alertName) ?? text(old.nameFilter) ?? '',
      alertInstanceLabelFilter: text(options.alertInstanceLabelFilter) ?? '',
      stateFilter: {
        firing: has('alerting'),
        pending: has('pending'),
        noData: has('no_data'),
        error: has('execution_error'),
        normal: states.length > 0 && has('ok'),
      },
    },
  };
}

const oldListKeys = ['starred', 'recent', 'search', 'headings', 'limit', 'query', 'tags', 'folderId'];

/** Before Grafana 7, the dashboard list stored its settings outside the options. */
export function migrateDashlist(panel: Json): Json {
  const options = obj(panel.options);
  const old = (key: string, now: string) => bool(options[now]) ?? bool(panel[key]) ?? bool(options[key]);
  return {
    ...without(panel, oldListKeys),
    options: compact({
      ...without(options, oldListKeys),
      showStarred: old('starred', 'showStarred'),
      showRecentlyViewed: old('recent', 'showRecentlyViewed'),
      showSearch: old('search', 'showSearch'),
      showHeadings: old('headings', 'showHeadings'),
      maxItems: num(options.maxItems) ?? num(panel.limit) ?? num(options.limit),
      query: str(options.query) ?? str(panel.query),
      tags: strs(options.tags ?? panel.tags),
      folderId: num(options.folderId) ?? num(panel.folderId),
      folderUID: text(options.folderUID),
    }),
  };
}
