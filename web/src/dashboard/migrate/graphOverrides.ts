import { num, obj, objs, str, text, type Json } from './json';
import { aliasMatcher, type Override } from './context';
import { axisConfig, lineStyle } from './graphAxis';

const hideAll = { viz: true, legend: true, tooltip: true };

/** Overrides for the graph panel's settings of single series, and for empty series. */
export function graphOverrides(panel: Json): Override[] {
  const overrides: Override[] = [];
  for (const [alias, color] of Object.entries(obj(panel.aliasColors))) {
    if (text(color) !== undefined) {
      overrides.push({ matcher: { id: 'byName', options: alias }, properties: [fixedColor(color)] });
    }
  }
  for (const source of objs(panel.seriesOverrides)) {
    const alias = str(source.alias);
    const properties = alias === undefined ? [] : seriesProperties(source, panel);
    if (alias !== undefined && properties.length > 0) {
      overrides.push({ matcher: aliasMatcher(alias), properties });
    }
  }
  const legend = obj(panel.legend);
  for (const [key, reducer] of [
    ['hideEmpty', 'allIsNull'],
    ['hideZero', 'allIsZero'],
  ] as const) {
    if (legend[key] === true) {
      overrides.push({
        matcher: { id: 'byValue', options: { reducer, op: 'gte', value: 0 } },
        properties: [{ id: 'custom.hideFrom', value: { legend: true, tooltip: true, viz: false } }],
      });
    }
  }
  if (obj(panel.xaxis).show === false || panel['x-axis'] === false) {
    overrides.push({ matcher: { id: 'byType', options: 'time' }, properties: [{ id: 'custom.axisPlacement', value: 'hidden' }] });
  }
  return overrides;
}

function fixedColor(color: unknown): Override['properties'][number] {
  return { id: 'color', value: { mode: 'fixed', fixedColor: color } };
}

/** Converters for the keys of a series override, in the order in which the old panel applied them. */
const readers: Record<string, (value: unknown, panel: Json, source: Json) => Override['properties']> = {
  color: (value) => (text(value) === undefined ? [] : [fixedColor(value)]),
  yaxis: (value, panel) => (num(value) === 2 ? rightAxis(objs(panel.yaxes)[1] ?? {}) : []),
  bars: (value) =>
    value === true
      ? [
          { id: 'custom.drawStyle', value: 'bars' },
          { id: 'custom.fillOpacity', value: 100 },
        ]
      : [{ id: 'custom.drawStyle', value: 'line' }],
  lines: (value, panel) => {
    if (value !== true) {
      return [{ id: 'custom.lineWidth', value: 0 }];
    }
    const width = { id: 'custom.lineWidth', value: Math.max(1, num(panel.linewidth) ?? 1) };
    return panel.bars === true || panel.lines === false ? [{ id: 'custom.drawStyle', value: 'line' }, width] : [width];
  },
  linewidth: (value) => numberProperty('custom.lineWidth', value),
  fill: (value) => numberProperty('custom.fillOpacity', value, 10),
  fillGradient: (value) => ((num(value) ?? 0) > 0 ? [{ id: 'custom.gradientMode', value: 'opacity' }] : []),
  fillBelowTo: (value) => (text(value) === undefined ? [] : [{ id: 'custom.fillBelowTo', value }]),
  nullPointMode: (value) => [{ id: 'custom.spanNulls', value: value === 'connected' }],
  points: (value) => [{ id: 'custom.showPoints', value: value === true ? 'always' : 'never' }],
  pointradius: (value) => (num(value) === undefined ? [] : [{ id: 'custom.pointSize', value: 2 + num(value)! * 2 }]),
  steppedLine: (value) => [{ id: 'custom.lineInterpolation', value: value === true ? 'stepAfter' : 'linear' }],
  dashes: (value, _panel, source) =>
    value === true ? [{ id: 'custom.lineStyle', value: lineStyle(source) }] : [{ id: 'custom.lineStyle', value: { fill: 'solid' } }],
  stack: (value, panel) => [{ id: 'custom.stacking', value: stackOf(value, panel) }],
  transform: (value) => (value === 'negative-Y' || value === 'constant' ? [{ id: 'custom.transform', value }] : []),
  legend: (value) => (value === false ? [{ id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } }] : []),
  hideTooltip: (value) => (value === true ? [{ id: 'custom.hideFrom', value: { legend: false, tooltip: true, viz: false } }] : []),
  hidden: (value) => (value === true ? [{ id: 'custom.hideFrom', value: hideAll }] : []),
};

function seriesProperties(source: Json, panel: Json): Override['properties'] {
  const properties = new Map<string, unknown>();
  for (const [key, read] of Object.entries(readers)) {
    if (!Object.hasOwn(source, key) || source[key] === undefined || source[key] === null) {
      continue;
    }
    for (const property of read(source[key], panel, source)) {
      const before = properties.get(property.id);
      const both = property.id === 'custom.hideFrom' && before !== undefined;
      properties.set(property.id, both ? either(before as Json, property.value as Json) : property.value);
    }
  }
  return [...properties].map(([id, value]) => ({ id, value }));
}

function either(a: Json, b: Json): Json {
  return { legend: a.legend === true || b.legend === true, tooltip: a.tooltip === true || b.tooltip === true, viz: a.viz === true || b.viz === true };
}

function numberProperty(id: string, value: unknown, factor = 1): Override['properties'] {
  const number = num(value);
  return number === undefined ? [] : [{ id, value: number * factor }];
}

/** true and a letter enable stacking (each letter is a separate group), false disables it. */
function stackOf(value: unknown, panel: Json): Json {
  if (value === false) {
    return { mode: 'none', group: 'A' };
  }
  const group = typeof value === 'string' && value !== '' ? value : 'A';
  return { mode: panel.percentage === true ? 'percent' : 'normal', group };
}

function rightAxis(axis: Json): Override['properties'] {
  const { standard, custom } = axisConfig(axis);
  const properties: Override['properties'] = [{ id: 'custom.axisPlacement', value: axis.show === false ? 'hidden' : 'right' }];
  for (const [id, value] of Object.entries(standard)) {
    properties.push({ id, value });
  }
  for (const [id, value] of Object.entries(custom)) {
    if (id !== 'axisPlacement') {
      properties.push({ id: `custom.${id}`, value });
    }
  }
  return properties;
}
