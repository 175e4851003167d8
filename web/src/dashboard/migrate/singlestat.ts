import { compact, num, obj, objs, str, text, without, type Json } from './json';
import { reducers } from './context';
import { pluginVersion } from './fieldConfig';
import { dataLinks } from './links';
import { angularMappings, angularThresholds } from './mappings';
import { own } from '../../boot/own';

const singlestatKeys = [
  'cacheTimeout',
  'colorBackground',
  'colorPostfix',
  'colorPrefix',
  'colorValue',
  'colors',
  'decimals',
  'format',
  'gauge',
  'mappingType',
  'mappingTypes',
  'nullPointMode',
  'nullText',
  'postfix',
  'postfixFontSize',
  'prefix',
  'prefixFontSize',
  'rangeMaps',
  'sparkline',
  'tableColumn',
  'thresholds',
  'valueFontSize',
  'valueMaps',
  'valueName',
];

/** Converts a singlestat to a gauge if it showed one, otherwise to a stat. */
export function migrateSinglestat(panel: Json): Json {
  const gauge = obj(panel.gauge);
  const isGauge = gauge.show === true;
  const thresholds = angularThresholds(panel.thresholds, panel.colors);
  const mappings = angularMappings(panel, thresholds);
  const previous = obj(panel.fieldConfig);
  const links = dataLinks(obj(panel.options).dataLinks);
  const defaults = compact({
    ...obj(previous.defaults),
    unit: unit(panel),
    decimals: num(panel.decimals),
    noValue: text(panel.nullText),
    thresholds,
    mappings: mappings.length > 0 ? mappings : undefined,
    min: isGauge ? (num(gauge.minValue) ?? 0) : undefined,
    max: isGauge ? (num(gauge.maxValue) ?? 100) : undefined,
    links: links.length > 0 ? links : undefined,
    color: isGauge || colored(panel) ? { mode: 'thresholds' } : undefined,
  });
  const column = text(panel.tableColumn);
  const options = {
    orientation: 'horizontal',
    reduceOptions: compact({
      values: false,
      calcs: [calc(panel.valueName)],
      fields: column === undefined || column === 'Value' ? undefined : `/^${escapeRegExp(column)}$/`,
    }),
  };
  return {
    ...without(panel, singlestatKeys),
    type: isGauge ? 'gauge' : 'stat',
    pluginVersion,
    fieldConfig: { defaults, overrides: objs(previous.overrides) },
    options: isGauge
      ? { ...options, showThresholdMarkers: gauge.thresholdMarkers !== false, showThresholdLabels: gauge.thresholdLabels === true }
      : { ...options, ...statOptions(panel) },
  };
}

function statOptions(panel: Json): Json {
  return {
    colorMode: panel.colorBackground === true ? 'background' : colored(panel) ? 'value' : 'none',
    graphMode: obj(panel.sparkline).show === true ? 'area' : 'none',
    justifyMode: 'auto',
    textMode: panel.valueName === 'name' ? 'name' : 'auto',
  };
}

function colored(panel: Json): boolean {
  return panel.colorBackground === true || panel.colorValue === true;
}

function calc(valueName: unknown): string {
  const name = str(valueName) ?? 'avg';
  return name === 'name' || name === 'last_time' ? 'lastNotNull' : (own(reducers, name)?.id ?? 'mean');
}

/** A prefix or postfix becomes the unit of a number without one. */
function unit(panel: Json): string | undefined {
  const format = text(panel.format);
  const plain = format === undefined || format === 'none' || format === 'short';
  const prefix = str(panel.prefix)?.trim() ? str(panel.prefix) : undefined;
  const postfix = str(panel.postfix)?.trim() ? str(panel.postfix) : undefined;
  if (plain && prefix === undefined && postfix !== undefined) {
    return `suffix:${postfix}`;
  }
  return plain && prefix !== undefined && postfix === undefined ? `prefix:${prefix}` : format;
}

function escapeRegExp(value: string): string {
  return value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
