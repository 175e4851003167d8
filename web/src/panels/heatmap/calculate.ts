import { FieldType, rangeUtil, type DataFrame, type TimeRange } from '@grafana/data';
import { HeatmapCalculationMode, ScaleDistribution, type HeatmapCalculationBucketConfig, type HeatmapCalculationOptions } from '@grafana/schema';

import type { Cells } from './types';

const niceTimes = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000,
  14_400_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000,
];

const defaultColumns = 30;
const defaultRows = 10;
/** More buckets than pixels are useless. */
const mostBuckets = 2000;

/** Counts the values of all number fields in buckets of time and value. */
export function calculateCells(frames: DataFrame[], options: HeatmapCalculationOptions, range: TimeRange): Cells | undefined {
  const columns = frames.flatMap((frame) => {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    return time
      ? frame.fields.filter((f) => f.type === FieldType.number && !f.config.custom?.hideFrom?.viz).map((field) => ({ times: time.values as number[], field }))
      : [];
  });
  if (columns.length === 0) {
    return undefined;
  }
  const isLog = options.yBuckets?.scale?.type === ScaleDistribution.Log;
  const usable = (v: unknown): v is number => typeof v === 'number' && Number.isFinite(v) && (!isLog || v > 0);
  let [low, high] = [Infinity, -Infinity];
  for (const { field } of columns) {
    for (const v of field.values) {
      if (usable(v)) {
        low = Math.min(low, v);
        high = Math.max(high, v);
      }
    }
  }
  const width = xSize(options.xBuckets, range.to.valueOf() - range.from.valueOf());
  const rows = isLog ? logRows(options.yBuckets!) : linearRows(options.yBuckets, low, high);
  const counts = new Map<number, Map<number, number>>();
  for (const { times, field } of columns) {
    times.forEach((t, i) => {
      const v: unknown = field.values[i];
      if (!usable(v)) {
        return;
      }
      const [x, y] = [Math.floor(t / width), rows.rowOf(v)];
      const column = counts.get(x) ?? new Map<number, number>();
      counts.set(x, column);
      column.set(y, (column.get(y) ?? 0) + 1);
    });
  }
  const cells: Cells = {
    xMin: [],
    xMax: [],
    yMin: [],
    yMax: [],
    count: [],
    y: isLog ? { kind: 'log', base: options.yBuckets?.scale?.log ?? 2 } : { kind: 'linear' },
    yUnit: columns[0]!.field.config.unit,
  };
  for (const [x, column] of [...counts].sort(([a], [b]) => a - b)) {
    for (const [y, count] of [...column].sort(([a], [b]) => a - b)) {
      cells.xMin.push(x * width);
      cells.xMax.push((x + 1) * width);
      cells.yMin.push(rows.lower(y));
      cells.yMax.push(rows.lower(y + 1));
      cells.count.push(count);
    }
  }
  return cells;
}

/** Width of a column in milliseconds. */
export function xSize(config: HeatmapCalculationBucketConfig | undefined, range: number): number {
  const least = Math.max(1, range / mostBuckets);
  if (config?.mode === HeatmapCalculationMode.Size && config.value) {
    const size = sizeInMs(config.value);
    if (size > 0) {
      return Math.max(least, size);
    }
  }
  const wanted = Math.max(1, range / (positive(config?.value, config?.mode !== HeatmapCalculationMode.Size) ?? defaultColumns));
  return Math.max(least, niceTimes.find((t) => t >= wanted) ?? wanted);
}

function sizeInMs(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text.trim())) {
    return Number(text);
  }
  try {
    return rangeUtil.intervalToMs(text.trim());
  } catch {
    return 0;
  }
}

function positive(text: string | undefined, use: boolean): number | undefined {
  const n = Number(text);
  return use && text && n > 0 ? n : undefined;
}

interface Rows {
  rowOf: (value: number) => number;
  lower: (row: number) => number;
}

function linearRows(config: HeatmapCalculationBucketConfig | undefined, low: number, high: number): Rows {
  const least = (high - low) / mostBuckets;
  const given = positive(config?.value, config?.mode === HeatmapCalculationMode.Size);
  const wanted = (high - low) / (positive(config?.value, config?.mode !== HeatmapCalculationMode.Size) ?? defaultRows);
  const size = Math.max(least, given ?? niceSize(wanted)) || 1;
  return { rowOf: (v) => Math.floor(v / size), lower: (row) => row * size };
}

/** The next larger of 1, 2, 2.5, 5 times a power of ten. */
export function niceSize(size: number): number {
  if (!(size > 0) || !Number.isFinite(size)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(size));
  return [1, 2, 2.5, 5, 10].map((f) => f * power).find((n) => n >= size * (1 - 1e-9))!;
}

function logRows(config: HeatmapCalculationBucketConfig): Rows {
  const base = config.scale?.log ?? 2;
  // Each power of the base is split into rows.
  const split = positive(config.value, true) ?? 1;
  const exponent = (v: number) => Math.log(v) / Math.log(base);
  return { rowOf: (v) => Math.floor(exponent(v) * split + 1e-9), lower: (row) => base ** (row / split) };
}
