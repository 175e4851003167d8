import { DataFrameType, FieldType, getFieldDisplayName, incrRoundDn, rangeUtil, type DataFrame, type Field } from '@grafana/data';
import { HeatmapCalculationMode, ScaleDistribution, type HeatmapCalculationBucketConfig, type HeatmapCalculationOptions } from '@grafana/schema';

import { column, transformer } from './transformer';

type Options = HeatmapCalculationOptions & { keepOriginalData?: boolean };

const times = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 216e5, 432e5, 864e5, 1728e5, 6048e5,
  2592e6,
];
const numbers = Array.from({ length: 33 }, (_, i) => i - 16).flatMap((e) => [1, 2, 2.5, 5].map((f) => f * 10 ** e));

/** Counts all values in buckets of time and value and returns a frame of cells, including empty ones. */
export const heatmap = transformer<Options>('heatmap', 'Create heatmap', (frames, options) => [
  cellsOf(frames, options),
  ...(options.keepOriginalData ? frames : []),
]);

function cellsOf(frames: DataFrame[], options: Options): DataFrame {
  const series = frames.flatMap((frame) => {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    return time ? frame.fields.filter((f) => f.type === FieldType.number).map((field) => ({ frame, time, field })) : [];
  });
  const first = series[0];
  if (!first) {
    throw new Error('no heatmap fields found');
  }
  const base = options.yBuckets?.scale?.type === ScaleDistribution.Log ? (options.yBuckets.scale.log ?? 2) : undefined;
  const points = series
    .flatMap(({ time, field }) => (time.values as number[]).map((t, i) => [t, field.values[i] as number] as const))
    .filter(([, v]) => Number.isFinite(v) && (!base || v > 0));
  if (points.length === 0) {
    throw new Error('no values found');
  }
  const scale = (v: number) => (base ? Math.log(v) / Math.log(base) : v);
  const xs = bins(
    points.map(([t]) => t),
    options.xBuckets,
    20,
    times
  );
  const ys = base
    ? bins(
        points.map(([, v]) => scale(v)),
        { mode: HeatmapCalculationMode.Size, value: String(1 / (Number(options.yBuckets?.value) || 1)) },
        10,
        numbers
      )
    : bins(
        points.map(([, v]) => v),
        options.yBuckets,
        10,
        numbers
      );
  const counts = new Array<number>(xs.count * ys.count).fill(0);
  for (const [t, v] of points) {
    counts[xs.at(t) * ys.count + ys.at(scale(v))]!++;
  }
  const lower = (row: number) => (base ? base ** (ys.low + row * ys.size) : ys.low + row * ys.size);
  const each = (value: (x: number, y: number) => number) => counts.map((_, i) => value(Math.floor(i / ys.count), i % ys.count));
  const yConfig: Field['config'] = { ...first.field.config, custom: { scaleDistribution: options.yBuckets?.scale ?? { type: ScaleDistribution.Linear } } };
  return {
    length: counts.length,
    name: getFieldDisplayName(first.field, first.frame),
    refId: `heatmap-${frames.map((f) => f.refId).join('-')}`,
    meta: { type: DataFrameType.HeatmapCells },
    fields: [
      column(
        'xMin',
        first.time.type,
        each((x) => xs.low + x * xs.size),
        { config: { ...first.time.config, interval: xs.size } }
      ),
      column(
        'yMin',
        FieldType.number,
        each((_, y) => lower(y)),
        { config: yConfig }
      ),
      column('Count', FieldType.number, counts, { config: { unit: 'short' } }),
    ],
  };
}

interface Bins {
  low: number;
  size: number;
  count: number;
  at: (value: number) => number;
}

/** Buckets of a given size or number; for a number, the next smaller nice size is used. */
function bins(values: number[], config: HeatmapCalculationBucketConfig | undefined, usual: number, nice: number[]): Bins {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  const asked = sizeOf(config?.value);
  const wanted =
    config?.mode === HeatmapCalculationMode.Size && asked
      ? asked
      : (nice.filter((n) => n <= (high - low) / Math.max((asked ?? usual) - 1, 1)).at(-1) ?? nice[0]!);
  // More buckets than pixels are useless.
  const size = Math.max(wanted, (high - low) / 2000) || 1;
  const start = incrRoundDn(low, size);
  const at = (v: number) => Math.round((incrRoundDn(v, size) - start) / size);
  return { low: start, size, count: at(high) + 1, at };
}

function sizeOf(text: string | undefined): number | undefined {
  if (!text) {
    return undefined;
  }
  const size = Number(text);
  try {
    return Number.isNaN(size) ? rangeUtil.intervalToMs(text) : size > 0 ? size : undefined;
  } catch {
    return undefined;
  }
}
