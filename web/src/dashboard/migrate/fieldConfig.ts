import { check, compact, isObject, num, obj, objs, str, text, without, type Json } from './json';
import { reducers, type Context, type Override } from './context';
import { dataLinks, renameLinkVariables } from './links';
import { migrateMappings, migrateThresholds } from './mappings';
import { own } from '../../boot/own';

/** Migrates `panel.fieldConfig` to its current form; anything that is not an object becomes an empty one. */
export function migrateFieldConfig(panel: Json, context: Context): void {
  const config = obj(panel.fieldConfig);
  const defaults = { ...obj(config.defaults) };
  migrateDefaults(defaults);
  migrateTableMode(defaults);
  const overrides = objs(config.overrides).flatMap((override) => {
    const matcher = obj(override.matcher);
    if (text(matcher.id) === undefined) {
      return [];
    }
    const properties = objs(override.properties).flatMap((property) => migrateProperty(property, context));
    return [{ ...override, matcher, properties } as Override];
  });
  if (context.version < 35 && panel.type === 'timeseries' && obj(defaults.custom).axisPlacement === 'hidden') {
    // Hiding the axes used to leave the time axis visible.
    overrides.push({ matcher: { id: 'byType', options: 'time' }, properties: [{ id: 'custom.axisPlacement', value: 'auto' }] });
  }
  panel.fieldConfig = { ...config, defaults, overrides };
}

function migrateDefaults(defaults: Json): void {
  if (defaults.displayName === undefined && text(defaults.title) !== undefined) {
    defaults.displayName = defaults.title;
  }
  delete defaults.title;
  delete defaults.nullValueMode;
  for (const key of ['min', 'max', 'decimals']) {
    check(defaults, key, num);
  }
  for (const key of ['unit', 'displayName', 'noValue', 'description']) {
    check(defaults, key, str);
  }
  if (defaults.displayName !== undefined) {
    defaults.displayName = renameLinkVariables(String(defaults.displayName));
  }
  check(defaults, 'thresholds', migrateThresholds);
  check(defaults, 'mappings', (value) => migrateMappings(value, migrateThresholds(defaults.thresholds)));
  check(defaults, 'links', dataLinks);
  check(defaults, 'custom', (value) => (isObject(value) ? { ...value } : undefined));
  check(defaults, 'color', (value) =>
    typeof value === 'string' ? { mode: 'fixed', fixedColor: value } : text(obj(value).mode) === undefined ? undefined : value
  );
}

function migrateProperty(property: Json, context: Context): Override['properties'] {
  const id = text(property.id) ?? text(property.prop) ?? text(property.path);
  if (id === undefined) {
    return [];
  }
  switch (id) {
    case 'title':
      return [{ id: 'displayName', value: property.value }];
    case 'thresholds':
      return [{ id, value: migrateThresholds(property.value) ?? property.value }];
    case 'mappings':
      return [{ id, value: migrateMappings(property.value) }];
    case 'links':
      return [{ id, value: dataLinks(property.value) }];
    case 'custom.displayMode':
      return [{ id: 'custom.cellOptions', value: cellOptions(property.value) }];
    case 'custom.hidden':
      return [{ id: 'custom.hideFrom', value: { viz: property.value === true, legend: false, tooltip: false } }];
    case 'custom.hideFrom':
      if (context.version < 42 && obj(property.value).viz === true) {
        return [{ id, value: { ...obj(property.value), tooltip: true } }];
      }
  }
  return [{ id, value: property.value }];
}

/** Display modes of table cells from before cells had their own options. */
export function cellOptions(mode: unknown): Json {
  switch (mode) {
    case 'basic':
    case 'gradient-gauge':
    case 'lcd-gauge':
      return { type: 'gauge', mode: { basic: 'basic', 'gradient-gauge': 'gradient', 'lcd-gauge': 'lcd' }[mode] };
    case 'color-background':
      return { type: 'color-background', mode: 'gradient' };
    case 'color-background-solid':
      return { type: 'color-background', mode: 'basic' };
    default:
      return { type: text(mode) ?? 'auto' };
  }
}

function migrateTableMode(defaults: Json): void {
  const custom = obj(defaults.custom);
  if (custom.displayMode !== undefined && custom.cellOptions === undefined) {
    custom.cellOptions = cellOptions(custom.displayMode);
  }
  delete custom.displayMode;
  if (custom.hidden === true) {
    custom.hideFrom = { viz: true, legend: false, tooltip: false };
  }
  delete custom.hidden;
}

/**
 * Moves settings that stat, gauge and bar gauge stored in their options before Grafana 7 (`valueOptions`,
 * `fieldOptions`, thresholds, mappings, minValue, maxValue) to fieldConfig and reduceOptions.
 */
export function liftFieldOptions(panel: Json): void {
  const options = obj(panel.options);
  const hasOld = isObject(options.fieldOptions) || isObject(options.valueOptions);
  if (!hasOld) {
    return;
  }
  const values = obj(options.valueOptions);
  const old = obj(options.fieldOptions);
  const config = obj(panel.fieldConfig);
  const defaults = compact({
    ...obj(config.defaults),
    unit: values.unit,
    decimals: values.decimals,
    min: options.minValue,
    max: options.maxValue,
    thresholds: old.thresholds ?? options.thresholds,
    mappings: old.mappings ?? options.valueMappings,
    ...obj(old.override),
    ...obj(old.defaults),
  });
  const stat = text(values.stat);
  panel.fieldConfig = { defaults, overrides: [...objs(config.overrides), ...objs(old.overrides)] };
  panel.options = {
    ...without(options, ['fieldOptions', 'valueOptions', 'valueMappings', 'minValue', 'maxValue', 'thresholds']),
    reduceOptions: compact({
      values: old.values === true,
      limit: num(old.limit),
      calcs: Array.isArray(old.calcs) ? old.calcs : [own(reducers, stat ?? 'mean')?.id ?? stat],
    }),
  };
}

/** The plugin version written to migrated panels. */
export const pluginVersion = '13.2.2';

/** Before Grafana 8, percentages had an implied range; panels without a version are older than that. */
export function impliedRange(panel: Json): void {
  const version = Number.parseFloat(text(panel.pluginVersion) ?? '6.1');
  const defaults = obj(obj(panel.fieldConfig).defaults);
  const most = { percent: 100, percentunit: 1 }[String(defaults.unit)];
  if (!(version < 8)) {
    return;
  }
  panel.pluginVersion = pluginVersion;
  if (most === undefined) {
    return;
  }
  defaults.min ??= 0;
  defaults.max ??= most;
}
