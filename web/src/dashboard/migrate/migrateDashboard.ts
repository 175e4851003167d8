import type { Dashboard } from '@grafana/schema';
import { bool, check, isObject, num, obj, objs, str, strs, text, without, type Json } from './json';
import type { Context } from './context';
import { migrateAnnotations } from './annotations';
import { flattenRows, placePanels } from './layout';
import { dashboardLinks } from './links';
import { migratePanel, migrateRow } from './panel';
import { migrateVariables } from './variables';

/** The schemaVersion of dashboards returned by migrateDashboard. */
export const schemaVersion = 42;

const deadKeys = [
  '__inputs',
  '__requires',
  '__elements',
  'rows',
  'nav',
  'style',
  'hideControls',
  'hideAllLegends',
  'sharedCrosshair',
  'originalTitle',
  'services',
  'pulldowns',
  'refresh_on_load',
  'meta',
  'iteration',
];

/**
 * Migrates classic dashboard JSON of any schemaVersion (or none) to the current one so that it shows the same as
 * before. The input is not modified. Values of the wrong type are treated as missing; it never throws. The notices
 * state what could not be migrated and what to do, one sentence each.
 */
export function migrateDashboard(json: unknown): { dashboard: Dashboard; notices: string[] } {
  const source = obj(structuredClone(json));
  const context: Context = {
    version: num(source.schemaVersion) ?? 0,
    notices: [],
    annotations: [],
    elements: new Map(
      Object.entries(obj(source.__elements)).flatMap(([uid, element]) => (isObject(obj(element).model) ? [[uid, obj(obj(element).model)]] : []))
    ),
  };
  const dashboard: Json = without(source, deadKeys);
  settleDashboard(dashboard, source);
  dashboard.panels = migratePanels(source, context);
  dashboard.templating = { list: migrateVariables(obj(source.templating).list, context) };
  dashboard.annotations = { list: migrateAnnotations(source.annotations, context.annotations) };
  dashboard.schemaVersion = schemaVersion;
  return { dashboard: dashboard as unknown as Dashboard, notices: context.notices };
}

function settleDashboard(dashboard: Json, source: Json): void {
  dashboard.title = text(source.title) ?? 'Dashboard without title';
  for (const key of ['uid', 'description', 'weekStart']) {
    check(dashboard, key, text);
  }
  check(dashboard, 'id', (id) => num(id) ?? null);
  for (const key of ['version', 'gnetId', 'revision', 'fiscalYearStartMonth']) {
    check(dashboard, key, num);
  }
  check(dashboard, 'liveNow', bool);
  check(dashboard, 'preload', bool);
  dashboard.editable = source.editable !== false;
  dashboard.tags = strs(source.tags);
  dashboard.links = dashboardLinks(source.links);
  dashboard.timezone = typeof source.timezone === 'string' ? source.timezone : '';
  dashboard.refresh = refresh(source.refresh);
  dashboard.graphTooltip = Math.min(2, Math.max(0, num(source.graphTooltip) ?? (source.sharedCrosshair === true ? 1 : 0)));
  dashboard.time = time(source);
  dashboard.timepicker = timepicker(source);
}

/** Numbers meant seconds, false meant off. */
function refresh(value: unknown): string {
  return typeof value === 'number' ? (value > 0 ? `${value}s` : '') : typeof value === 'string' ? value : '';
}

function time(source: Json): Json {
  const range = isObject(source.time) ? source.time : obj(obj(obj(source.services).filter).time);
  return { from: point(range.from) ?? 'now-6h', to: point(range.to) ?? 'now' };
}

/** A point in time; numbers are milliseconds since 1970. */
function point(value: unknown): string | undefined {
  if (typeof value !== 'number') {
    return text(value);
  }
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function timepicker(source: Json): Json {
  const nav = objs(source.nav)[0];
  const picker = isObject(source.timepicker) ? source.timepicker : obj(nav);
  const result = without(picker, ['time_options', 'enable', 'notice', 'now', 'status', 'type', 'collapse', 'sessionTimeout']);
  check(result, 'refresh_intervals', (value) => (Array.isArray(value) ? strs(value) : undefined));
  check(result, 'hidden', bool);
  check(result, 'nowDelay', text);
  check(result, 'quick_ranges', (value) =>
    Array.isArray(value)
      ? objs(value).flatMap((range) => {
          const [from, to] = [text(range.from), text(range.to)];
          return from === undefined || to === undefined ? [] : [{ from, to, display: str(range.display) ?? `${from} to ${to}` }];
        })
      : undefined
  );
  return result;
}

function migratePanels(source: Json, context: Context): Json[] {
  let panels = objs(source.panels).filter((panel) => !isRepeat(panel));
  if (Array.isArray(source.rows) || isObject(source.rows)) {
    panels = flattenRows(Array.isArray(source.rows) ? source.rows : Object.values(source.rows), panels);
  }
  panels = settleRows(panels);
  assignIds(panels);
  const migrate = (panel: Json): Json[] => {
    const migrated = migratePanel(panel, context);
    return migrated === undefined ? [] : [migrated];
  };
  const result = panels.flatMap((panel) => (panel.type === 'row' ? [migrateRow(panel, objs(panel.panels).flatMap(migrate))] : migrate(panel)));
  placePanels(result);
  return result;
}

/** Panels and rows that were created by a repeat and then saved: the repeat creates them again. */
function isRepeat(panel: Json): boolean {
  const set = (value: unknown) => value !== undefined && value !== null && value !== false && value !== 0;
  return set(panel.repeatPanelId) || set(panel.repeatByRow) || set(panel.repeatedByRow);
}

/** Rows contain panels but no rows, and only if collapsed; the panels of an open row follow it in the list. */
function settleRows(panels: Json[]): Json[] {
  return panels.flatMap((panel) => {
    if (panel.type !== 'row') {
      return [panel];
    }
    const children = flatten(objs(panel.panels)).filter((child) => !isRepeat(child));
    const collapsed = panel.collapsed === true;
    const row = { ...panel, collapsed, panels: collapsed ? children : [] };
    return collapsed ? [row] : [row, ...children];
  });
}

/** The panels of rows inside rows, however deeply nested a file may be. */
function flatten(panels: Json[], depth = 0): Json[] {
  return panels.flatMap((panel) => (panel.type !== 'row' ? [panel] : depth < 8 ? flatten(objs(panel.panels), depth + 1) : []));
}

/** IDs are positive integers that are unique within the dashboard. */
function assignIds(panels: Json[]): void {
  const all = panels.flatMap((panel) => [panel, ...(panel.type === 'row' ? objs(panel.panels) : [])]);
  const used = new Set<number>();
  const nameless: Json[] = [];
  for (const panel of all) {
    const id = num(panel.id);
    if (id === undefined || !Number.isSafeInteger(id) || id <= 0 || used.has(id)) {
      nameless.push(panel);
    } else {
      panel.id = id;
      used.add(id);
    }
  }
  let next = Math.max(0, ...used);
  for (const panel of nameless) {
    next = next < Number.MAX_SAFE_INTEGER ? next + 1 : 1;
    while (used.has(next)) {
      next++;
    }
    panel.id = next;
    used.add(next);
  }
}
