import { compact, isObject, num, obj, text, without, type Json } from './json';

const heatmapKeys = [
  'cards',
  'color',
  'dataFormat',
  'heatmap',
  'hideZeroBuckets',
  'highlightCards',
  'legend',
  'reverseYBuckets',
  'tooltip',
  'tooltipDecimals',
  'xAxis',
  'xBucketNumber',
  'xBucketSize',
  'yAxis',
  'yBucketBound',
  'yBucketNumber',
  'yBucketSize',
];

/** Moves settings that the heatmap stored outside its options before Grafana 9.1 into them. */
export function migrateHeatmap(panel: Json): Json {
  const options = obj(panel.options);
  if (isObject(options.color) || isObject(options.yAxis) || !(panel.color !== undefined || panel.dataFormat !== undefined || panel.yAxis !== undefined)) {
    return { ...panel, type: 'heatmap' };
  }
  const calculate = panel.dataFormat !== 'tsbuckets';
  const axis = obj(panel.yAxis);
  const cards = obj(panel.cards);
  const hideZero = panel.hideZeroBuckets === true;
  return {
    ...without(panel, heatmapKeys),
    type: 'heatmap',
    fieldConfig: isObject(panel.fieldConfig)
      ? panel.fieldConfig
      : { defaults: { custom: { hideFrom: { legend: false, tooltip: false, viz: false }, scaleDistribution: { type: 'linear' } } }, overrides: [] },
    options: compact({
      calculate,
      calculation: calculate ? calculation(panel) : undefined,
      cellGap: num(cards.cardPadding) ?? 2,
      cellRadius: num(cards.cardRound) ?? undefined,
      color: color(obj(panel.color)),
      exemplars: { color: 'rgba(255,0,255,0.7)' },
      filterValues: { le: hideZero ? 1e-9 : undefined },
      legend: { show: obj(panel.legend).show === true },
      rowsFrame: calculate ? undefined : { layout: bucketLayout(panel.yBucketBound) },
      showValue: 'never',
      tooltip: {
        mode: obj(panel.tooltip).show === false ? 'none' : 'single',
        yHistogram: obj(panel.tooltip).showHistogram === true,
        showColorScale: false,
      },
      yAxis: compact({
        axisPlacement: axis.show === false ? 'hidden' : 'left',
        axisWidth: num(axis.width),
        unit: text(axis.format),
        decimals: num(axis.decimals),
        min: num(axis.min),
        max: num(axis.max),
        reverse: panel.reverseYBuckets === true,
      }),
      cellValues: num(panel.tooltipDecimals) === undefined ? undefined : { decimals: num(panel.tooltipDecimals) },
    }),
  };
}

function calculation(panel: Json): Json {
  const axis = obj(panel.yAxis);
  const base = num(axis.logBase) ?? 1;
  const split = num(axis.splitFactor);
  const yBuckets: Json = buckets(panel.yBucketSize, panel.yBucketNumber) ?? {};
  if (base > 1) {
    yBuckets.scale = { type: 'log', log: base };
    if (split !== undefined && split > 0) {
      yBuckets.mode = 'size';
      yBuckets.value = String(split);
    }
  }
  return compact({
    xBuckets: buckets(panel.xBucketSize, panel.xBucketNumber),
    yBuckets: Object.keys(yBuckets).length > 0 ? yBuckets : undefined,
  });
}

function buckets(size: unknown, count: unknown): Json | undefined {
  if (text(size) !== undefined) {
    return { mode: 'size', value: text(size) };
  }
  return num(count) === undefined ? undefined : { mode: 'count', value: String(num(count)) };
}

function color(old: Json): Json {
  const opacity = old.mode === 'opacity';
  const scheme = (text(old.colorScheme) ?? 'interpolateOranges').replace(/^interpolate/, '');
  return compact({
    mode: opacity ? 'opacity' : 'scheme',
    fill: text(old.cardColor) ?? 'dark-orange',
    scale: old.colorScale === 'linear' && opacity ? 'linear' : 'exponential',
    exponent: num(old.exponent) ?? 0.5,
    scheme,
    steps: 128,
    reverse: false,
    min: num(old.min),
    max: num(old.max),
  });
}

/** Which edge of its bucket the name of a row denotes. */
function bucketLayout(bound: unknown): string {
  return { upper: 'le', lower: 'ge', middle: 'unknown' }[String(bound)] ?? 'auto';
}
