import { createTheme, DataFrameType, dateTime, FieldType, toDataFrame, type DataFrame, type TimeRange } from '@grafana/data';
import { expect, test } from 'vitest';

import { niceSize, xSize } from './calculate';
import { boundOf, cellsOf } from './cells';
import { colorIndex, paletteOf, schemeNames } from './colors';
import { rowSplits, yRange } from './config';
import type { ColorOptions, Options } from './options';
import { bucketText, cellAt, viewOf, yOfValue } from './view';

const color: ColorOptions = { mode: 'scheme', scheme: 'Oranges', fill: 'dark-orange', exponent: 0.5, steps: 4, reverse: false };
const base: Options = {
  color,
  showValue: 'auto',
  yAxis: {},
  legend: { show: true },
  tooltip: { mode: 'single' },
  exemplars: { color: 'red' },
  filterValues: { le: 1e-9 },
};
const range: TimeRange = { from: dateTime(0), to: dateTime(60_000), raw: { from: 'now-1m', to: 'now' } };
const theme = createTheme();

const rows = toDataFrame({
  meta: { type: DataFrameType.HeatmapRows },
  fields: [
    { name: 'Time', type: FieldType.time, config: { interval: 10 }, values: [10, 20] },
    { name: '+Inf', type: FieldType.number, values: [0, 4] },
    { name: '0.5', type: FieldType.number, values: [1, null] },
    { name: '10', type: FieldType.number, values: [2, 3] },
  ],
});

function cellsFrom(frames: DataFrame[], options: Partial<Options> = {}) {
  const { cells, warning } = cellsOf(frames, { ...base, ...options }, range);
  expect(warning).toBeUndefined();
  return cells!;
}

const bucketSeries = (le: string, values: number[]) =>
  toDataFrame({
    fields: [
      { name: 'Time', type: FieldType.time, values: [0, 10] },
      { name: 'Value', type: FieldType.number, labels: { le }, values },
    ],
  });

test('rows are cells in the order of their bounds, each ending at its time', () => {
  const cells = cellsFrom([rows]);
  expect(cells.y).toMatchObject({ kind: 'rows', names: ['0.5', '10', '+Inf'], layout: 'le' });
  expect(cells.count).toEqual([1, 2, 0, 3, 4]);
  expect(cells.xMin).toEqual([0, 0, 0, 10, 10]);
  expect(cells.yMin).toEqual([0, 1, 2, 1, 2]);
  expect(cells.source!(3)).toMatchObject({ row: 1, field: { name: '10' } });
});

test('cells of a transformation, which have a lower bound only, end where the next begins', () => {
  const scale = { custom: { scaleDistribution: { type: 'linear' } } };
  const made = toDataFrame({
    meta: { type: DataFrameType.HeatmapCells },
    fields: [
      { name: 'xMin', type: FieldType.time, values: [0, 0, 10, 10] },
      { name: 'yMin', type: FieldType.number, config: scale, values: [0, 5, 0, 5] },
      { name: 'Count', type: FieldType.number, values: [1, 2, 3, 4] },
    ],
  });
  expect(cellsFrom([made])).toMatchObject({ yMin: [0, 5, 0, 5], yMax: [5, 10, 5, 10], xMax: [10, 10, 20, 20], count: [1, 2, 3, 4], y: { kind: 'linear' } });
});

test('series with a bucket each are rows', () => {
  const cells = cellsFrom([bucketSeries('+Inf', [1, 2]), bucketSeries('1', [3, 4]), bucketSeries('0.1', [5, 6])]);
  expect(cells.y).toMatchObject({ bounds: [0.1, 1, Infinity] });
  expect(cells.count).toEqual([5, 3, 1, 6, 4, 2]);
});

test('native histograms are cells on a logarithmic axis, with negative ones on both sides', () => {
  const frame = (yMin: number[], yMax: number[]) =>
    toDataFrame({
      meta: { type: DataFrameType.HeatmapCells },
      fields: [
        { name: 'xMax', type: FieldType.time, config: { interval: 10 }, values: [20, 10] },
        { name: 'yMin', type: FieldType.number, values: yMin },
        { name: 'yMax', type: FieldType.number, values: yMax },
        { name: 'count', type: FieldType.number, values: [7, 8] },
      ],
    });
  const cells = cellsFrom([frame([1, 2], [2, 4])]);
  expect(cells).toMatchObject({ xMin: [0, 10], xMax: [10, 20], yMin: [2, 1], count: [8, 7], y: { kind: 'log', base: 2 } });
  expect(yRange(cells, {})).toEqual([1, 4]);
  const zero = cellsFrom([frame([-0.001, 2], [0.001, 4])]);
  expect(zero.y.kind).toBe('log');
  expect(yRange(zero, {})[0]).toBe(2 ** -11);
  expect(cellsFrom([frame([-2, 1], [-1, 2])]).y).toEqual({ kind: 'symlog', threshold: 1 });
});

const plain = toDataFrame({
  fields: [
    { name: 't', type: FieldType.time, values: [1000, 2000, 11_000, 12_000] },
    { name: 'v', type: FieldType.number, values: [1, 3, 12, null] },
  ],
});

test('plain series are counted in buckets of a size', () => {
  const cells = cellsFrom([plain], {
    calculate: true,
    calculation: { xBuckets: { mode: 'size', value: '10s' }, yBuckets: { mode: 'size', value: '10' } } as never,
  });
  expect(cells).toMatchObject({ xMin: [0, 10_000], xMax: [10_000, 20_000], yMin: [0, 10], yMax: [10, 20], count: [2, 1] });
});

test('logarithmic buckets leave out what has no logarithm', () => {
  const frame = toDataFrame({
    fields: [
      { name: 't', type: FieldType.time, values: [1, 2, 3, 4, 5] },
      { name: 'v', type: FieldType.number, values: [-1, 0, 1, 8, 9] },
    ],
  });
  const cells = cellsFrom([frame], {
    calculate: true,
    calculation: { xBuckets: { mode: 'size', value: '1m' }, yBuckets: { scale: { type: 'log', log: 2 } } } as never,
  });
  expect(cells).toMatchObject({ yMin: [1, 8], yMax: [2, 16], count: [1, 2], y: { kind: 'log', base: 2 } });
});

test.each([
  [{ mode: 'size', value: '5m' }, 3_600_000, 300_000],
  [{ mode: 'count', value: '60' }, 3_600_000, 60_000],
  [undefined, 3_600_000, 120_000],
  [{ mode: 'size', value: 'nonsense' }, 3_600_000, 120_000],
  [{ mode: 'size', value: '1ms' }, 4_000_000, 2000],
])('columns of %j over %i ms are %i ms wide', (config, ms, want) => {
  expect(xSize(config as never, ms)).toBe(want);
});

test('nice sizes', () => {
  expect([0.013, 0.2, 3, 7, 0, NaN].map(niceSize)).toEqual([0.02, 0.2, 5, 10, 1, 1]);
});

test('counts that are filtered have no colour and do not widen the scale', () => {
  const view = viewOf(cellsFrom([rows]), { ...base, filterValues: { le: 1, ge: 4 } }, theme);
  expect([view.min, view.max]).toEqual([2, 3]);
  expect([...view.fill]).toEqual([-1, 0, -1, 3, -1]);
});

test('the cell under the pointer, its bucket and its text', () => {
  const view = viewOf(cellsFrom([rows]), { ...base, yAxis: { unit: 's' } }, theme);
  expect(cellAt(view, 5, 1.5)).toBe(1);
  expect(cellAt(view, 15, 2.9)).toBe(4);
  expect(cellAt(view, 5, 2.5)).toBe(-1);
  expect(cellAt(view, 25, 1.5)).toBe(-1);
  expect([0, 1, 4].map((i) => bucketText(view, i))).toEqual(['≤ 500 ms', '500 ms – 10 s', '> 10 s']);
  expect([0.1, 5.25, 99].map((v) => yOfValue(view, v))).toEqual([0.5, 1.5, 2.5]);
});

test('rows are cut to the ends of the axis, and names to the room there is', () => {
  const cells = cellsFrom([rows]);
  expect(yRange(cells, { min: 1, max: 10 })).toEqual([1, 2]);
  const view = viewOf(cells, base, theme);
  expect(rowSplits(view, 300, { min: 0, max: 3 })).toEqual([1, 2, 3]);
  expect(rowSplits(view, 20, { min: 0, max: 3 })).toEqual([1]);
  expect(viewOf(cellsFrom([rows], { rowsFrame: { layout: 'unknown' } }), base, theme).cells.y).toMatchObject({ layout: 'unknown' });
});

test('rows on an axis of numbers', () => {
  const cells = cellsFrom([rows], { rowsFrame: { layout: 'le', yBucketScale: { type: 'log', log: 10 } as never } });
  expect(cells).toMatchObject({ y: { kind: 'log', base: 10 }, yMin: [0.25, 0.5, 10, 0.5, 10], yMax: [0.5, 10, 20, 10, 20] });
});

test('every scheme has colours', () => {
  for (const scheme of schemeNames) {
    const colors = paletteOf({ ...color, scheme }, theme);
    expect(colors).toHaveLength(4);
    expect(colors.every((c) => /^(rgb|#)/.test(c))).toBe(true);
  }
  expect(paletteOf({ ...color, reverse: true }, theme)).toEqual([...paletteOf(color, theme)].reverse());
  expect(paletteOf({ ...color, scheme: 'constructor' }, theme)).toEqual(paletteOf(color, theme));
  expect(paletteOf({ ...color, mode: 'opacity', fill: '#ff0000', scale: 'linear' }, theme)[1]).toBe('#ff000080');
});

test.each([
  [0, 0],
  [9.99, 3],
  [10, 3],
  [5, 2],
  [-1, 0],
  [99, 3],
])('count %d has colour %i', (count, want) => {
  expect(colorIndex(count, 0, 10, 4)).toBe(want);
});

test('texts of bounds', () => {
  expect(['0.5', '+Inf', '-Inf', '', 'x'].map(boundOf)).toEqual([0.5, Infinity, -Infinity, NaN, NaN]);
});

test.each([
  [[], 'No data'],
  [[toDataFrame({ fields: [{ name: 'a', type: FieldType.string, values: ['b'] }] })], 'Data is missing a time field or buckets'],
])('no cells: %#', (frames, want) => {
  expect(cellsOf(frames as DataFrame[], base, range).warning).toBe(want);
});

test('50,000 cells are ready quickly', () => {
  const times = Array.from({ length: 1000 }, (_, i) => i * 1000);
  const frame = toDataFrame({
    meta: { type: DataFrameType.HeatmapRows },
    fields: [
      { name: 'Time', type: FieldType.time, values: times },
      ...Array.from({ length: 50 }, (_, i) => ({ name: `${i}`, type: FieldType.number, values: times })),
    ],
  });
  const start = performance.now();
  expect(viewOf(cellsFrom([frame]), base, theme).fill).toHaveLength(50_000);
  expect(performance.now() - start).toBeLessThan(1000);
});
