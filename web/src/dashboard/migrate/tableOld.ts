import { compact, isObject, num, obj, objs, str, text, without, type Json } from './json';
import { aliasMatcher, reducers, type Override } from './context';
import { angularMappings, angularThresholds } from './mappings';
import { tableSort } from './tableSort';
import { own } from '../../boot/own';

const tableKeys = [
  'columns',
  'fontSize',
  'pageSize',
  'scroll',
  'showHeader',
  'sort',
  'styles',
  'transform',
  'showCellBorders',
  'showRowBorders',
  'filterNull',
  'table2',
];
const everything = /^\/\.[*+]\/$/;

/** Distinguishes the old table from the current one, which has the same type. */
export function isOldTable(panel: Json, version: number): boolean {
  if (panel.type === 'table-old') {
    return true;
  }
  if (panel.type !== 'table' || isObject(panel.fieldConfig)) {
    return false;
  }
  return (
    Array.isArray(panel.styles) ||
    Array.isArray(panel.columns) ||
    text(panel.transform) !== undefined ||
    (version > 0 && version < 24 && !isObject(panel.options))
  );
}

/** Converts the old table with its styles to a table with transformations and overrides. */
export function migrateOldTable(panel: Json): Json {
  const styles = objs(panel.styles).filter((style) => text(style.pattern) !== undefined);
  const general = styles.find((style) => everything.test(String(style.pattern)));
  const previous = obj(panel.fieldConfig);
  const defaults: Json = { ...obj(previous.defaults), custom: { align: 'auto', filterable: false, ...obj(obj(previous.defaults).custom) } };
  for (const property of general === undefined ? [] : styleProperties(general)) {
    setPath(defaults, property.id, property.value);
  }
  // The first matching style won, but the last matching override wins.
  const overrides = styles
    .filter((style) => style !== general)
    .map((style): Override => ({ matcher: aliasMatcher(String(style.pattern)), properties: styleProperties(style) }))
    .filter((override) => override.properties.length > 0)
    .reverse();
  const sortBy = tableSort(panel, styles);
  const pageSize = num(panel.pageSize);
  return {
    ...without(panel, tableKeys),
    type: 'table',
    fieldConfig: { defaults, overrides: [...objs(previous.overrides), ...overrides] },
    options: compact({
      ...obj(panel.options),
      showHeader: panel.showHeader !== false,
      sortBy,
      enablePagination: pageSize === undefined ? undefined : true,
      pageSize,
    }),
    transformations: [...transformations(panel), ...objs(panel.transformations)],
  };
}

function setPath(target: Json, id: string, value: unknown): void {
  if (id.startsWith('custom.')) {
    (target.custom as Json)[id.slice('custom.'.length)] = value;
  } else {
    target[id] = value;
  }
}

function styleProperties(style: Json): Override['properties'] {
  const type = text(style.type) ?? 'number';
  const properties: Override['properties'] = [];
  const alias = text(style.alias);
  if (alias !== undefined && !/\$\d/.test(alias)) {
    properties.push({ id: 'displayName', value: alias });
  }
  if (type === 'hidden') {
    return [...properties, { id: 'custom.hideFrom', value: { viz: true, legend: false, tooltip: false } }];
  }
  if (text(style.align) !== undefined) {
    properties.push({ id: 'custom.align', value: style.align });
  }
  if (type === 'date') {
    properties.push({ id: 'unit', value: `time:${text(style.dateFormat) ?? 'YYYY-MM-DD HH:mm:ss'}` });
  }
  if (type === 'number' || type === 'string') {
    properties.push(...valueProperties(style, type));
  }
  const link = cellLink(style);
  return link === undefined ? properties : [...properties, { id: 'links', value: [link] }];
}

function valueProperties(style: Json, type: string): Override['properties'] {
  const properties: Override['properties'] = [];
  if (type === 'number' && text(style.unit) !== undefined) {
    properties.push({ id: 'unit', value: style.unit });
  }
  if (type === 'number' && num(style.decimals) !== undefined) {
    properties.push({ id: 'decimals', value: num(style.decimals) });
  }
  const thresholds = angularThresholds(style.thresholds, style.colors);
  const mode = { cell: 'color-background', row: 'color-background', value: 'color-text' }[String(style.colorMode)];
  if (mode !== undefined) {
    const extra = style.colorMode === 'row' ? { mode: 'basic', applyToRow: true } : style.colorMode === 'cell' ? { mode: 'basic' } : {};
    properties.push({ id: 'custom.cellOptions', value: { type: mode, ...extra } });
    if (thresholds !== undefined) {
      properties.push({ id: 'thresholds', value: thresholds }, { id: 'color', value: { mode: 'thresholds' } });
    }
  }
  const mappings = angularMappings(style, mode === undefined ? undefined : thresholds);
  if (mappings.length > 0) {
    properties.push({ id: 'mappings', value: mappings });
  }
  return properties;
}

function cellLink(style: Json): Json | undefined {
  const url = text(style.linkUrl);
  if (style.link !== true || url === undefined) {
    return undefined;
  }
  return { title: cellVariables(text(style.linkTooltip) ?? ''), url: cellVariables(url), targetBlank: style.linkTargetBlank === true };
}

/** Replaces `$__cell`, `${__cell_2:raw}` and similar variables with their current names. */
function cellVariables(value: string): string {
  return value.replace(/\$(?:\{__cell(?:_(\d+))?(?::(\w+))?\}|__cell(?:_(\d+))?(?::(\w+))?)/g, (...match: Array<string | undefined>) => {
    const column = match[1] ?? match[3];
    const format = match[2] ?? match[4];
    const name = column === undefined ? (format === 'raw' ? '__value.raw' : '__value.text') : `__data.fields[${column}]`;
    return format === undefined || format === 'raw' ? `\${${name}}` : `\${${name}:${format}}`;
  });
}

function transformations(panel: Json): Json[] {
  const columns = objs(panel.columns);
  switch (panel.transform) {
    case 'timeseries_to_columns':
      return [{ id: 'joinByField', options: { mode: 'outer' } }];
    case 'timeseries_to_rows':
      return [{ id: 'seriesToRows', options: {} }];
    case 'timeseries_aggregations': {
      const names = columns.map((column) => own(reducers, String(column.value))?.id).filter((id) => id !== undefined);
      return [{ id: 'reduce', options: { mode: 'seriesToRows', includeTimeField: false, reducers: names.length > 0 ? names : ['mean'] } }];
    }
    case 'table':
    case 'annotations':
      return [{ id: 'merge', options: { reducers: [] } }];
    case 'json': {
      const names = columns.map((column) => str(column.value) ?? str(column.text)).filter((name) => name !== undefined);
      const extract = { id: 'extractFields', options: { source: 'Line', format: 'json', replace: false } };
      return names.length === 0 ? [extract] : [extract, { id: 'filterFieldsByName', options: { include: { names } } }];
    }
    default:
      return objs(panel.targets).length > 1 ? [{ id: 'merge', options: { reducers: [] } }] : [];
  }
}
