import { DataFrameType, FieldType, getFieldDisplayName, type DataFrame, type Field, type TimeRange } from '@grafana/data';
import { ScaleDistribution, type ScaleDistributionConfig } from '@grafana/schema';

import { calculateCells } from './calculate';
import type { Options } from './options';
import type { Cells, YScale } from './types';

/** Converts frames to cells, or returns why there are no buckets. */
export function cellsOf(
  frames: DataFrame[],
  options: Options,
  range: TimeRange
): { cells: Cells; warning?: undefined } | { cells?: undefined; warning: string } {
  if (frames.every((f) => f.length === 0)) {
    return { warning: 'No data' };
  }
  if (options.calculate) {
    const cells = calculateCells(frames, options.calculation ?? {}, range);
    return cells ? { cells } : { warning: 'Data is missing a time or a number field' };
  }
  const ready = frames.find((f) => f.meta?.type === DataFrameType.HeatmapCells && f.length > 0);
  if (ready) {
    const cells = readyCells(ready);
    return cells ? { cells } : { warning: 'Data is missing the bounds or the count of its cells' };
  }
  const cells = rowCells(frames, options);
  return cells ? { cells } : { warning: 'Data is missing a time field or buckets' };
}

function readyCells(frame: DataFrame): Cells | undefined {
  const field = (...names: string[]) => frame.fields.find((f) => names.includes(f.name));
  const x = field('xMax', 'xMin', 'x');
  const [low, high] = [field('yMin'), field('yMax')];
  const count = field('count', 'Count') ?? frame.fields.find((f) => f.type === FieldType.number && f !== x && f !== low && f !== high);
  if (!x || !low || !count) {
    return undefined;
  }
  const order = x.values.map((_, i) => i).sort((a, b) => x.values[a] - x.values[b] || low.values[a] - low.values[b]);
  const step = x.config.interval ?? smallestStep(order.map((i) => x.values[i]));
  const pick = (f: Field) => order.map((i) => f.values[i] as number);
  const at = pick(x);
  const ends = x.name !== 'xMin';
  const yMin = pick(low);
  const yMax = high ? pick(high) : upperBounds(yMin);
  const scale = (low.config.custom as { scaleDistribution?: ScaleDistributionConfig } | undefined)?.scaleDistribution;
  return {
    xMin: ends ? at.map((t) => t - step) : at,
    xMax: ends ? at : at.map((t) => t + step),
    yMin,
    yMax,
    count: pick(count),
    y:
      scale?.type === ScaleDistribution.Linear
        ? { kind: 'linear' }
        : scale?.type === ScaleDistribution.Log
          ? { kind: 'log', base: scale.log ?? 2 }
          : exponential(yMin, yMax),
    countField: count,
    source: (cell) => ({ field: count, row: order[cell]! }),
    yUnit: low.config.unit,
  };
}

/** A row ends where the next begins; the last one is as high as the one below it. */
function upperBounds(yMin: number[]): number[] {
  const rows = [...new Set(yMin)].sort((a, b) => a - b);
  const last = rows.at(-1)!;
  const next = new Map(rows.map((low, i) => [low, rows[i + 1] ?? last + (last - (rows.at(-2) ?? last - 1))]));
  return yMin.map((low) => next.get(low)!);
}

/** Native histograms grow in powers of two, with negative values in both directions. */
function exponential(yMin: number[], yMax: number[]): YScale {
  let threshold = Infinity;
  for (let i = 0; i < yMin.length; i++) {
    for (const bound of [Math.abs(yMin[i]!), Math.abs(yMax[i]!)]) {
      if (bound > 0 && bound < threshold) {
        threshold = bound;
      }
    }
  }
  // A zero bucket extends slightly below zero; this does not count as a negative value.
  return yMax.some((v) => v < 0) ? { kind: 'symlog', threshold: Number.isFinite(threshold) ? threshold : 1 } : { kind: 'log', base: 2 };
}

interface Bucket {
  name: string;
  bound: number;
  field: Field;
  times: number[];
}

function buckets(frames: DataFrame[]): { list: Bucket[]; step?: number } {
  let step: number | undefined;
  const list = frames.flatMap((frame) => {
    const time = frame.fields.find((f) => f.type === FieldType.time);
    if (!time) {
      return [];
    }
    step ??= time.config.interval ?? undefined;
    const rows = frame.meta?.type === DataFrameType.HeatmapRows;
    return frame.fields
      .filter((f) => f.type === FieldType.number && !f.config.custom?.hideFrom?.viz)
      .map((field): Bucket => {
        const name = rows ? (field.config.displayName ?? field.name) : getFieldDisplayName(field, frame, frames);
        return { name, bound: boundOf(field.labels?.['le'] ?? name), field, times: time.values as number[] };
      });
  });
  return { list, step };
}

export function boundOf(text: string): number {
  switch (text.trim()) {
    case '+Inf':
    case 'Inf':
      return Infinity;
    case '-Inf':
      return -Infinity;
    case '':
      return NaN;
    default:
      return Number(text);
  }
}

function rowCells(frames: DataFrame[], options: Options): Cells | undefined {
  const { list, step: interval } = buckets(frames);
  if (list.length === 0) {
    return undefined;
  }
  const numeric = list.every((b) => !Number.isNaN(b.bound));
  if (numeric) {
    list.sort((a, b) => a.bound - b.bound);
  }
  const times = [...new Set(list.flatMap((b) => b.times))].sort((a, b) => a - b);
  const step = interval ?? smallestStep(times);
  const asked = options.rowsFrame?.layout ?? 'auto';
  const layout = asked === 'auto' ? (numeric ? 'le' : 'unknown') : asked;
  const cells: Cells = {
    xMin: [],
    xMax: [],
    yMin: [],
    yMax: [],
    count: [],
    y: { kind: 'rows', names: list.map((b) => b.name), bounds: numeric ? list.map((b) => b.bound) : undefined, layout },
    countField: list[0]!.field,
    yUnit: list[0]!.field.config.unit,
  };
  const from: Array<[Bucket, number]> = [];
  const next = list.map((b) => new Map(b.times.map((t, i) => [t, i])));
  for (const t of times) {
    list.forEach((bucket, y) => {
      const row = next[y]!.get(t);
      const count = row === undefined ? undefined : bucket.field.values[row];
      if (typeof count !== 'number' || !Number.isFinite(count)) {
        return;
      }
      cells.xMin.push(t - step);
      cells.xMax.push(t);
      cells.yMin.push(y);
      cells.yMax.push(y + 1);
      cells.count.push(count);
      from.push([bucket, row!]);
    });
  }
  cells.source = (cell) => ({ field: from[cell]![0].field, row: from[cell]![1] });
  return numeric && layout !== 'unknown' ? onScale(cells, options) : cells;
}

/** Moves rows to their bounds on a numeric axis if the panel is configured for it. */
function onScale(cells: Cells, options: Options): Cells {
  const scale = options.rowsFrame?.yBucketScale;
  const { y } = cells;
  if (!scale || y.kind !== 'rows' || !y.bounds || scale.type === ScaleDistribution.Ordinal) {
    return cells;
  }
  const edges = (row: number): [number, number] => rowBounds(y, row)!;
  const log = scale.type === ScaleDistribution.Log;
  const finite = y.bounds.filter((b) => Number.isFinite(b) && (!log || b > 0));
  const [lowest, highest] = [finite[0] ?? 1, finite.at(-1) ?? 1];
  const below = log ? lowest / 2 : Math.min(0, lowest);
  const above = log ? highest * 2 : highest + (highest - (finite.at(-2) ?? 0));
  const place = (b: number) => (b === Infinity ? above : b === -Infinity || (log && b <= 0) ? below : b);
  const kind: YScale = log
    ? { kind: 'log', base: scale.log ?? 2 }
    : scale.type === ScaleDistribution.Symlog
      ? { kind: 'symlog', threshold: scale.linearThreshold ?? 1 }
      : { kind: 'linear' };
  return { ...cells, y: kind, yMin: cells.yMin.map((r) => place(edges(r)[0])), yMax: cells.yMin.map((r) => place(edges(r)[1])) };
}

/** Lower and upper bound of a row; undefined if rows only have names. */
export function rowBounds(y: YScale, row: number): [number, number] | undefined {
  if (y.kind !== 'rows' || !y.bounds || y.layout === 'unknown') {
    return undefined;
  }
  return y.layout === 'le' ? [y.bounds[row - 1] ?? -Infinity, y.bounds[row]!] : [y.bounds[row]!, y.bounds[row + 1] ?? Infinity];
}

export function smallestStep(times: number[]): number {
  let step = Infinity;
  for (let i = 1; i < times.length; i++) {
    const delta = times[i]! - times[i - 1]!;
    if (delta > 0 && delta < step) {
      step = delta;
    }
  }
  return Number.isFinite(step) ? step : 60_000;
}
