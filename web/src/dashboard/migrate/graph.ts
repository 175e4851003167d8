import { bool, compact, num, obj, objs, str, text, without, type Json } from './json';
import { panelName, reducers, type Context, type Override } from './context';
import { dataLinks } from './links';
import { axisConfig, lineStyle } from './graphAxis';
import { graphOverrides } from './graphOverrides';
import { graphThresholds, timeRegions } from './graphThresholds';
import { own } from '../../boot/own';

const graphKeys = [
  'aliasColors',
  'bars',
  'dashes',
  'dashLength',
  'spaceLength',
  'decimals',
  'fill',
  'fillGradient',
  'grid',
  'hiddenSeries',
  'legend',
  'lines',
  'linewidth',
  'nullPointMode',
  'percentage',
  'pointradius',
  'points',
  'renderer',
  'seriesOverrides',
  'stack',
  'steppedLine',
  'thresholds',
  'timeRegions',
  'tooltip',
  'xaxis',
  'yaxes',
  'yaxis',
  'x-axis',
  'y-axis',
  'y_formats',
  'leftYAxisLabel',
  'rightYAxisLabel',
  'linkedYAxis',
  'alert',
  'zerofill',
];

/** Converts the old graph panel to a time series, bar chart or histogram panel. */
export function migrateGraph(panel: Json, context: Context): Json {
  const old = { ...panel, yaxes: yAxes(panel), legend: legendSource(panel) };
  const mode = text(obj(panel.xaxis).mode);
  const defaults = graphDefaults(old);
  const previous = obj(panel.fieldConfig);
  const overrides = [...objs(previous.overrides), ...graphOverrides(old)];
  const thresholds = graphThresholds(old);
  if (thresholds !== undefined) {
    defaults.thresholds = thresholds.thresholds;
    obj(defaults.custom).thresholdsStyle = thresholds.style;
  }
  timeRegions(old, context);
  if (panel.alert !== undefined && panel.alert !== null) {
    context.notices.push(`${panelName(panel)}: its alert was not taken over; write it as a Prometheus alerting rule`);
  }
  const links = dataLinks(obj(panel.options).dataLinks);
  const result: Json = {
    ...without(panel, graphKeys),
    fieldConfig: {
      defaults: compact({ ...defaults, links: links.length > 0 ? links : obj(previous.defaults).links }),
      overrides,
    },
    options: { legend: graphLegend(obj(old.legend)), tooltip: graphTooltip(panel) },
    type: 'timeseries',
  };
  if (mode === 'series') {
    return seriesMode(result, panel);
  }
  return mode === 'histogram' ? histogramMode(result, panel) : result;
}

/** Before version 12, the axes were stored in `y_formats`, `grid.leftMax` and similar fields. */
function yAxes(panel: Json): Json[] {
  const axes = objs(panel.yaxes);
  if (axes.length > 0) {
    return axes;
  }
  const grid = obj(panel.grid);
  const formats = Array.isArray(panel.y_formats) ? panel.y_formats : [];
  const show = panel['y-axis'] !== false;
  return [
    { format: formats[0], min: grid.leftMin, max: grid.leftMax, logBase: grid.leftLogBase, label: panel.leftYAxisLabel, show },
    { format: formats[1], min: grid.rightMin, max: grid.rightMax, logBase: grid.rightLogBase, label: panel.rightYAxisLabel, show },
  ];
}

/** Before version 2, the legend was a boolean. */
function legendSource(panel: Json): Json {
  return typeof panel.legend === 'boolean' ? { show: panel.legend } : obj(panel.legend);
}

function graphDefaults(panel: Json): Json {
  const bars = panel.bars === true;
  const lines = panel.lines !== false && (panel.lines === true || !bars);
  const points = panel.points === true;
  const axis = axisConfig(objs(panel.yaxes)[0] ?? {});
  const fill = num(panel.fill) ?? (lines ? 1 : 0);
  const custom = compact({
    drawStyle: bars ? 'bars' : lines || !points ? 'line' : 'points',
    lineWidth: !bars && !lines ? 0 : (num(panel.linewidth) ?? 1),
    lineInterpolation: panel.steppedLine === true ? 'stepAfter' : 'linear',
    fillOpacity: bars ? 100 : fill * 10,
    gradientMode: (num(panel.fillGradient) ?? 0) > 0 ? 'opacity' : 'none',
    showPoints: points ? 'always' : 'never',
    pointSize: num(panel.pointradius) === undefined ? undefined : 2 + num(panel.pointradius)! * 2,
    spanNulls: panel.nullPointMode === 'connected',
    lineStyle: lineStyle(panel),
    stacking: stacking(panel),
    ...axis.custom,
  });
  // If only points are shown, the old panel drew neither lines nor areas.
  if (custom.drawStyle === 'points') {
    custom.lineWidth = num(panel.linewidth) ?? 1;
    custom.fillOpacity = 0;
  }
  const noValue = panel.nullPointMode === 'null as zero' ? '0' : undefined;
  const color = { mode: 'palette-classic' };
  return compact({ color, ...axis.standard, decimals: num(panel.decimals) ?? axis.standard.decimals, noValue, custom });
}

function stacking(panel: Json): Json {
  if (panel.stack !== true) {
    return { mode: 'none', group: 'A' };
  }
  return { mode: panel.percentage === true ? 'percent' : 'normal', group: 'A' };
}

const legendCalcs = ['current', 'min', 'max', 'avg', 'total'] as const;

function graphLegend(legend: Json): Json {
  const calcs = legendCalcs.filter((name) => legend[name] === true && legend.values === true).map((name) => reducers[name].id);
  const sort = text(legend.sort);
  const sortBy = sort === undefined ? undefined : own(reducers, sort)?.name;
  return compact({
    showLegend: legend.show !== false,
    displayMode: legend.alignAsTable === true ? 'table' : 'list',
    placement: legend.rightSide === true ? 'right' : 'bottom',
    calcs,
    width: num(legend.sideWidth) || undefined,
    sortBy,
    sortDesc: sortBy === undefined ? undefined : (bool(legend.sortDesc) ?? false),
  });
}

function graphTooltip(panel: Json): Json {
  const tooltip = obj(panel.tooltip);
  const sort = num(tooltip.sort) ?? 0;
  return { mode: tooltip.shared === false ? 'single' : 'multi', sort: sort === 1 ? 'asc' : sort === 2 ? 'desc' : 'none' };
}

/** One bar per series: each series becomes a row with its reduced value. */
function seriesMode(result: Json, panel: Json): Json {
  const values = obj(panel.xaxis).values;
  const names = (Array.isArray(values) ? values : [values]).map(str);
  const reducer = reducers[names.find((name) => name !== undefined) ?? 'total'] ?? reducers.total;
  const config = obj(result.fieldConfig);
  const defaults = obj(config.defaults);
  const custom = obj(defaults.custom);
  return {
    ...result,
    type: 'barchart',
    fieldConfig: {
      ...config,
      defaults: {
        ...defaults,
        custom: compact({ axisLabel: custom.axisLabel, axisPlacement: custom.axisPlacement, fillOpacity: 100, scaleDistribution: custom.scaleDistribution }),
      },
      overrides: (config.overrides as Override[]).map(keepStandard),
    },
    options: { ...obj(result.options), orientation: 'auto', xTickLabelRotation: 0, showValue: 'never', stacking: 'none' },
    transformations: [{ id: 'reduce', options: { mode: 'seriesToRows', reducers: [reducer.id] } }, ...objs(result.transformations)],
  };
}

function keepStandard(override: Override): Override {
  return { ...override, properties: override.properties.filter((property) => !/^custom\.(?!axis|hideFrom)/.test(property.id)) };
}

function histogramMode(result: Json, panel: Json): Json {
  const xaxis = obj(panel.xaxis);
  const config = obj(result.fieldConfig);
  const custom = obj(obj(config.defaults).custom);
  return {
    ...result,
    type: 'histogram',
    fieldConfig: {
      defaults: { ...obj(config.defaults), custom: { fillOpacity: custom.fillOpacity, lineWidth: 1, stacking: custom.stacking } },
      overrides: (config.overrides as Override[]).map(keepStandard),
    },
    options: compact({ ...obj(result.options), bucketCount: num(xaxis.buckets) ?? undefined }),
  };
}
