import { createTheme, DataFrameType, FieldType, toDataFrame } from '@grafana/data';
import { describe, expect, test } from 'vitest';
import { barAt, buildModel, labelStep } from './model';

const theme = createTheme();
const frame = (values: unknown[], more: object = {}) =>
  toDataFrame({
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map((_, i) => i) },
      { name: 'v', type: FieldType.number, values, ...more },
    ],
  });
const options = { bucketSize: 10 } as never;

describe('buildModel', () => {
  test('counts values into buckets', () => {
    const model = buildModel([frame([1, 2, 15, 39, null, NaN], { config: { unit: 's' } })], options, theme)!;
    expect(model).toMatchObject({ x: [0, 10, 30], size: 10, ordinal: false, from: ['0 s', '10 s', '30 s'], to: ['10 s', '20 s', '40 s'] });
    expect(model.series.map((one) => [one.name, one.counts])).toEqual([['v', [2, 1, 1]]]);
  });

  test('chooses a size by the number of buckets', () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    expect(buildModel([frame(values)], { bucketCount: 10 } as never, theme)!.x).toHaveLength(10);
    expect(buildModel([frame(values)], { bucketCount: 10 } as never, theme)!.series[0]!.counts.reduce((a, b) => a + b)).toBe(100);
  });

  test.each([[0], [5], [0.02], [-3000]])('all values %d', (value) => {
    const model = buildModel([frame([value, value])], {} as never, theme)!;
    expect(model.series[0]!.counts).toEqual([2]);
    expect(model.x[0]).toBeLessThanOrEqual(value);
    expect(model.size).toBeGreaterThan(0);
  });

  test('combines fields', () => {
    const model = buildModel([frame([1]), frame([2, 11])], { bucketSize: 10, combine: true } as never, theme)!;
    expect(model.series.map((one) => [one.name, one.counts])).toEqual([['Count', [2, 1]]]);
  });

  test.each([
    [
      'normal',
      [
        [1, 1],
        [2, 2],
      ],
    ],
    [
      'percent',
      [
        [0.5, 0.5],
        [1, 1],
      ],
    ],
    [
      'none',
      [
        [1, 1],
        [1, 1],
      ],
    ],
  ])('stacking %s', (mode, tops) => {
    const config = { custom: { stacking: { mode } } };
    const model = buildModel([frame([1, 11], { config }), frame([2, 12], { config })], options, theme)!;
    expect(model.series.map((one) => one.tops)).toEqual(tops);
    expect(model.series.map((one) => one.counts)).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  test('takes buckets of classic histograms as they are', () => {
    const rows = toDataFrame({
      meta: { type: DataFrameType.HeatmapRows },
      fields: [
        { name: 'Time', type: FieldType.time, values: [1, 2] },
        { name: '0.1', type: FieldType.number, values: [1, 2] },
        { name: '+Inf', type: FieldType.number, values: [4, 0] },
      ],
    });
    const model = buildModel([rows], options, theme)!;
    expect(model).toMatchObject({ ordinal: true, x: [0, 1, 2], from: ['0', '0.1', '+Inf'] });
    expect(model.series[0]!.counts).toEqual([3, 4, 0]);
  });

  test('buckets of different widths stand side by side', () => {
    const given = toDataFrame({
      fields: [
        { name: 'xMin', values: [1, 2, 4] },
        { name: 'xMax', values: [2, 4, 8] },
        { name: 'count', values: [1, 2, 3] },
      ],
    });
    expect(buildModel([given], options, theme)).toMatchObject({ ordinal: true, x: [0, 1, 2], from: ['1', '2', '4'], to: ['2', '4', '8'] });
  });

  test.each([[[]], [[toDataFrame({ fields: [] })]], [[frame([null])]]])('nothing to count', (frames) => {
    expect(buildModel(frames, options, theme)).toBeUndefined();
  });
});

test.each([
  [-1, null],
  [0, 0],
  [9, 0],
  [15, 1],
  [25, null],
  [31, 2],
  [41, null],
])('bar at %d', (place, want) => {
  expect(barAt({ x: [0, 10, 30], size: 10 }, place)).toBe(want);
});

test('labels keep their distance', () => {
  expect(labelStep(10, 1000, 40)).toBe(1);
  expect(labelStep(30, 300, 48)).toBe(6);
});
