import { bool, check, compact, isObject, num, obj, objs, str, text, without, type Json } from './json';
import { panelName, type Context } from './context';
import { impliedRange, liftFieldOptions, migrateFieldConfig } from './fieldConfig';
import { migrateGraph } from './graph';
import { migrateHeatmap } from './heatmap';
import { maxPerRow } from './layout';
import { panelLinks } from './links';
import { migratePiechart } from './piechart';
import { migrateSinglestat } from './singlestat';
import { migrateAlertlist, migrateDashlist, migrateText } from './smallPanels';
import { isOldTable, migrateOldTable } from './tableOld';
import { migrateTargets, plainInterval } from './targets';
import { migrateTransformations } from './transformations';

/** Panel types that showed pages of Grafana itself. */
const gone = new Set(['gettingstarted', 'pluginlist', 'welcome', 'homelinks']);

const renamed: Record<string, string> = {
  graphite: 'graph',
  'grafana-singlestat-panel': 'singlestat',
  'heatmap-new': 'heatmap',
  text2: 'text',
  newgauge: 'gauge',
  radialbar: 'gauge',
  xychart2: 'xychart',
};

const byType: Record<string, (panel: Json, context: Context) => Json> = {
  graph: migrateGraph,
  singlestat: migrateSinglestat,
  heatmap: migrateHeatmap,
  'grafana-piechart-panel': migratePiechart,
  text: migrateText,
  alertlist: migrateAlertlist,
  dashlist: migrateDashlist,
  stat: liftedSingle,
  gauge: liftedSingle,
  bargauge: liftedSingle,
};

/** Keys that only old versions wrote and that no longer have a meaning. */
const deadKeys = ['editable', 'error', 'isNew', 'span', 'height', 'minSpan', 'scopedVars', 'repeatPanelId', 'repeatIteration', 'repeatByRow', 'repeatedByRow'];

/** The panel in its current form, or undefined if it is obsolete. */
export function migratePanel(source: Json, context: Context): Json | undefined {
  let panel = resolveLibraryPanel({ ...source }, context);
  const type = text(panel.type) ?? (isObject(panel.libraryPanel) ? 'text' : 'timeseries');
  panel.type = Object.hasOwn(renamed, type) ? renamed[type] : type;
  if (gone.has(type)) {
    context.notices.push(`${panelName(panel)}: panels of type ${type} show pages of Grafana itself; it was removed`);
    return undefined;
  }
  if (type === 'news') {
    return newsPanel(panel, context);
  }
  settleCommon(panel);
  migrateTargets(panel);
  if (isOldTable(panel, context.version)) {
    panel = migrateOldTable(panel);
  } else if (Object.hasOwn(byType, panel.type as string)) {
    panel = byType[panel.type as string](panel, context);
  }
  migrateFieldConfig(panel, context);
  migrateLegend(panel);
  migrateTableFooter(panel);
  panel.transformations = migrateTransformations(panel.transformations, context.version);
  if (!isObject(panel.options)) {
    panel.options = {};
  }
  return panel;
}

function settleCommon(panel: Json): void {
  const most = maxPerRow(panel.minSpan);
  if (most !== undefined && panel.maxPerRow === undefined) {
    panel.maxPerRow = most;
  }
  for (const key of deadKeys) {
    delete panel[key];
  }
  panel.title = str(panel.title) ?? '';
  check(panel, 'description', text);
  check(panel, 'transparent', bool);
  check(panel, 'repeat', text);
  check(panel, 'repeatDirection', (value) => (value === 'v' ? 'v' : 'h'));
  check(panel, 'maxPerRow', num);
  check(panel, 'maxDataPoints', num);
  check(panel, 'interval', plainInterval);
  check(panel, 'hideTimeOverride', bool);
  for (const key of ['timeFrom', 'timeShift', 'cacheTimeout', 'pluginVersion']) {
    check(panel, key, text);
  }
  check(panel, 'links', panelLinks);
}

function liftedSingle(panel: Json): Json {
  liftFieldOptions(panel);
  impliedRange(panel);
  return panel;
}

/** Legends could have the display mode "hidden"; now they have a separate option for this. */
function migrateLegend(panel: Json): void {
  const options = obj(panel.options);
  if (!isObject(options.legend)) {
    return;
  }
  const legend = { ...options.legend };
  const hidden = legend.displayMode === 'hidden' || legend.showLegend === false;
  if (panel.type !== 'heatmap') {
    legend.showLegend = !hidden;
    legend.displayMode = legend.displayMode === 'table' || legend.asTable === true ? 'table' : 'list';
    delete legend.asTable;
  }
  panel.options = { ...options, legend };
}

/** The table footer was a panel option and is now a column option. */
function migrateTableFooter(panel: Json): void {
  const options = obj(panel.options);
  if (panel.type !== 'table' || !isObject(options.footer)) {
    return;
  }
  const footer = options.footer;
  panel.options = without(options, ['footer']);
  if (footer.enablePagination === true) {
    (panel.options as Json).enablePagination = true;
  }
  const calcs = Array.isArray(footer.reducer) ? footer.reducer.filter((name) => typeof name === 'string') : [];
  const reducers = footer.countRows === true ? ['countAll'] : calcs;
  if (footer.show !== true || reducers.length === 0) {
    return;
  }
  const config = panel.fieldConfig as { defaults: Json; overrides: Json[] };
  const fields = Array.isArray(footer.fields) ? footer.fields.filter((name) => typeof name === 'string') : [];
  if (fields.length === 0) {
    config.defaults.custom = { ...obj(config.defaults.custom), footer: { reducers } };
    return;
  }
  for (const field of fields) {
    config.overrides.push({ matcher: { id: 'byName', options: field }, properties: [{ id: 'custom.footer.reducers', value: reducers }] });
  }
}

/** A library panel whose model is not in the file can only be shown by name. */
function resolveLibraryPanel(panel: Json, context: Context): Json {
  if (!isObject(panel.libraryPanel) || isObject(panel.fieldConfig) || Array.isArray(panel.targets)) {
    return panel;
  }
  const ref = panel.libraryPanel;
  const model = obj(ref.model);
  const element = Object.keys(model).length > 0 ? model : context.elements.get(text(ref.uid) ?? '');
  if (element !== undefined) {
    return { ...element, ...compact({ id: panel.id, gridPos: panel.gridPos, title: panel.title ?? element.title, repeat: panel.repeat }) };
  }
  const name = text(ref.name) ?? text(ref.uid) ?? 'without name';
  context.notices.push(
    `${panelName(panel)}: library panel "${name}" is not in this file; export the dashboard with its library panels, or unlink it in Grafana`
  );
  const content = `Library panel "${name.replace(/[`<>*_[\]\\]/g, '')}" is not in this dashboard.`;
  return { ...panel, type: 'text', options: { mode: 'markdown', content } };
}

function newsPanel(panel: Json, context: Context): Json {
  context.notices.push(`${panelName(panel)}: news feeds are not shown here; a text panel takes its place`);
  const feed = text(obj(panel.options).feedUrl) ?? text(panel.feedUrl);
  settleCommon(panel);
  return {
    ...without(panel, ['targets', 'datasource', 'fieldConfig', 'feedUrl']),
    type: 'text',
    fieldConfig: { defaults: {}, overrides: [] },
    options: { mode: 'markdown', content: feed === undefined ? 'News feed' : `News feed: <${feed.replace(/[<>\s]/g, '')}>` },
  };
}

/** Migrates a row header; the panels inside are migrated like all others. */
export function migrateRow(source: Json, panels: Json[]): Json {
  const row = without(source, [...deadKeys, 'targets', 'fieldConfig', 'options', 'collapse', 'showTitle', 'titleSize', 'datasource', 'repeatDirection']);
  check(row, 'repeat', text);
  return { ...row, type: 'row', title: str(source.title) ?? '', collapsed: source.collapsed === true, panels: objs(panels) };
}
