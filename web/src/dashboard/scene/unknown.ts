import {
  fieldColorModeRegistry,
  fieldMatchers,
  fieldReducers,
  frameMatchers,
  getValueFormatterIndex,
  MappingType,
  rangeUtil,
  SpecialValueMatch,
  standardTransformersRegistry,
  type FieldConfigSource,
  type PanelPlugin,
  type QueryResultMetaNotice,
} from '@grafana/data';
import type { DataQuery, Panel } from '@grafana/schema';

import { own } from '../../boot/own';
import { panelLoaders } from '../../panels/registry';

type Json = Record<string, unknown>;

/** Notices about parts of a panel's JSON that are not supported and therefore have no effect. */
export function unknownParts(panel: Panel): QueryResultMetaNotice[] {
  const config = panel.fieldConfig as unknown as FieldConfigSource | undefined;
  const rules = config?.overrides ?? [];
  const settings = [config?.defaults as Json | undefined, ...rules.map((rule) => Object.fromEntries((rule.properties ?? []).map((p) => [p.id, p.value])))];
  return [
    ...(own(panelLoaders, panel.type) ? [] : [warning(`Panel type ${panel.type} is unknown: its queries and data are shown as a table.`)]),
    ...objects(panel.targets).flatMap((target) => unknownQuery(target as unknown as DataQuery & Json)),
    ...objects(panel.transformations).flatMap(unknownTransformation),
    ...rules.flatMap(({ matcher }) =>
      fieldMatchers.getIfExists(matcher?.id) ? [] : [warning(`An override uses the unknown matcher ${matcher?.id}: it is ignored.`)]
    ),
    ...settings.flatMap((fields) => (fields ? unknownSettings(fields) : [])),
    ...reducersIn([panel.options, panel.transformations]).map((id) => warning(`Calculation ${id} is unknown: it is ignored.`)),
    ...[panel.timeFrom, panel.timeShift].flatMap((text) =>
      text && !text.includes('$') && !text.startsWith('now') && rangeUtil.describeTextRange(`now-${text}`).invalid
        ? [warning(`Time ${text} is not understood: the dashboard's time range is used.`)]
        : []
    ),
  ];
}

/** Field options, for all fields or in overrides, that a panel type does not have. */
export function unknownOptions(panel: Panel, plugin: PanelPlugin): QueryResultMetaNotice[] {
  const registry = plugin.fieldConfigRegistry;
  const config = panel.fieldConfig as unknown as FieldConfigSource | undefined;
  const known = (id: string) => registry.list().some((item) => item.id === id || item.id.startsWith(`${id}.`) || id.startsWith(`${item.id}.`));
  const custom = Object.entries((config?.defaults.custom ?? {}) as Json)
    .filter(([, value]) => !isEmpty(value))
    .map(([name]) => `custom.${name}`);
  const overridden = (config?.overrides ?? []).flatMap((rule) => (rule.properties ?? []).map((p) => p.id));
  const defaults = Object.keys(config?.defaults ?? {}).filter((name) => !settingNames.has(name));
  const missing = [...new Set([...defaults, ...[...custom, ...overridden].filter((id) => !known(id))])].filter((id) => !stale.has(id));
  return missing.length > 0
    ? [warning(`Field options that this panel type does not support are ignored: ${missing.map((id) => id.replace(/^custom\./, '')).join(', ')}.`)]
    : [];
}

/** Options of all fields; some have no editor. */
const settingNames = new Set([
  'displayName',
  'displayNameFromDS',
  'description',
  'path',
  'writeable',
  'filterable',
  'unit',
  'decimals',
  'min',
  'max',
  'fieldMinMax',
  'interval',
  'mappings',
  'thresholds',
  'color',
  'links',
  'actions',
  'noValue',
  'type',
  'custom',
  'nullValueMode',
]);

/** Values that Grafana writes into panels but does not use itself. */
const stale = new Set([
  'nullValueMode',
  'title',
  'custom.axisLabel',
  'custom.axisPlacement',
  'custom.axisColorMode',
  'custom.axisCenteredZero',
  'custom.axisBorderShow',
  'custom.scaleDistribution',
  'custom.hideFrom',
  'custom.insertNulls',
]);

function unknownQuery(target: DataQuery & Json): QueryResultMetaNotice[] {
  const { refId, hide } = target;
  const { type, uid } = (target.datasource ?? {}) as { type?: string; uid?: string };
  if (hide) {
    return [];
  }
  if (type === '__expr__' || uid === '__expr__') {
    return expressions.has(String(target['type']))
      ? []
      : [warning(`Query ${refId} is an expression of the unknown type ${String(target['type'])}: it is ignored.`)];
  }
  if (uid === '-- Dashboard --' || ['datasource', 'grafana', 'alertmanager'].includes(type ?? '') || typeof target['expr'] === 'string') {
    return [];
  }
  // Queries for other databases have their text in another field.
  const text = Object.entries(target).find(
    ([name, value]) =>
      !['refId', 'datasource', 'hide', 'format', 'queryType', 'legendFormat', 'interval', 'editorMode', 'key'].includes(name) && !isEmpty(value)
  );
  return text ? [warning(`Query ${refId} has no expression (it has "${text[0]}"): it is ignored.`)] : [];
}

const expressions = new Set(['math', 'reduce', 'resample', 'threshold', 'classic_conditions', 'sql']);
const calculations = new Set(['reduceRow', 'binary', 'unary', 'cumulativeFunctions', 'windowFunctions', 'index']);

function unknownTransformation(transformation: Json): QueryResultMetaNotice[] {
  const { id, disabled, filter, options } = transformation as { id: string; disabled?: boolean; filter?: { id?: string; options?: unknown }; options?: Json };
  if (disabled) {
    return [];
  }
  if (!standardTransformersRegistry.getIfExists(id)) {
    return [warning(`Transformation ${id} is unknown: the data is shown without it.`)];
  }
  const mode = options?.['mode'];
  return [
    ...(filter?.options && !frameMatchers.getIfExists(filter.id) ? [warning(`Transformation ${id} uses the unknown frame matcher ${filter.id}.`)] : []),
    ...(id === 'calculateField' && typeof mode === 'string' && !calculations.has(mode)
      ? [warning(`Transformation ${id} has the unknown mode ${mode}: it is ignored.`)]
      : []),
  ];
}

function unknownSettings(fields: Json): QueryResultMetaNotice[] {
  const { unit, color, mappings, thresholds } = fields as { unit?: string; color?: { mode?: string }; mappings?: unknown; thresholds?: { mode?: string } };
  return [
    ...(typeof unit === 'string' && !isUnit(unit) ? [info(`Unit ${unit} is not one of Grafana's: it is written after each value as it is.`)] : []),
    ...(color?.mode && !fieldColorModeRegistry.getIfExists(color.mode) ? [warning(`Color mode ${color.mode} is unknown: threshold colors are used.`)] : []),
    ...(thresholds?.mode && !['absolute', 'percentage'].includes(thresholds.mode)
      ? [warning(`Threshold mode ${thresholds.mode} is unknown: thresholds are treated as absolute.`)]
      : []),
    ...objects(mappings).flatMap(unknownMapping),
  ];
}

function unknownMapping({ type, options }: Json): QueryResultMetaNotice[] {
  const { match } = (options ?? {}) as { match?: string };
  if (!Object.values(MappingType).includes(type as MappingType)) {
    return [warning(`Value mapping type ${String(type)} is unknown: the mapping is ignored.`)];
  }
  return type === MappingType.SpecialValue && !Object.values(SpecialValueMatch).includes(match as SpecialValueMatch)
    ? [warning(`Value mapping for ${match} is unknown: it is ignored.`)]
    : [];
}

/** Grafana's own unit, or one that contains text: prefix:, suffix:, time:, si:, count:, currency:, bool:. */
function isUnit(unit: string): boolean {
  return (
    unit === '' ||
    unit.includes('$') ||
    own(getValueFormatterIndex(), unit) !== undefined ||
    /^(prefix|suffix|time|si|count|currency|bool):/.test(unit) ||
    !/^\w+$/.test(unit)
  );
}

/** Names of unknown calculations anywhere in the options. */
function reducersIn(value: unknown, key = ''): string[] {
  if (Array.isArray(value)) {
    return [...new Set(value.flatMap((each) => reducersIn(each, key)))];
  }
  if (typeof value === 'string') {
    return ['calcs', 'reducers', 'reducer', 'aggregations', 'stat'].includes(key) && value !== '' && !fieldReducers.getIfExists(value) ? [value] : [];
  }
  return typeof value === 'object' && value !== null ? [...new Set(Object.entries(value).flatMap(([name, each]) => reducersIn(each, name)))] : [];
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter((v): v is Json => typeof v === 'object' && v !== null) : [];
}

const warning = (text: string): QueryResultMetaNotice => ({ severity: 'warning', text });
const info = (text: string): QueryResultMetaNotice => ({ severity: 'info', text });
