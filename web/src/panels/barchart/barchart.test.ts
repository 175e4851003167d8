import { createTheme, FieldColorModeId, FieldType, getDisplayProcessor, MappingType, toDataFrame, type DataFrame, type FieldConfig } from '@grafana/data';
import { AxisPlacement, StackingMode, VisibilityMode, VizOrientation } from '@grafana/schema';
import { expect, test } from 'vitest';

import { barColor } from './colors';
import { scaleKeyOf, signsOf, valuePlacement } from './config';
import { cutLabel, laneOf, valueSize, visibleLabels } from './layout';
import type { Options } from './options';
import { barsOf, stacked, timeTicks } from './series';

const theme = createTheme();
const options = {
  orientation: VizOrientation.Auto,
  stacking: StackingMode.None,
  groupWidth: 0.5,
  barWidth: 1,
  showValue: VisibilityMode.Auto,
  fullHighlight: false,
  xTickLabelRotation: 0,
} as Options;

const table = toDataFrame({
  fields: [
    { name: 'Time', type: FieldType.time, values: [1, 1, 1] },
    { name: 'job', type: FieldType.string, values: ['a', 'b', 'a'] },
    { name: 'ok', type: FieldType.number, values: [3, null, 1] },
    { name: 'failed', type: FieldType.number, values: [1, -2, 0] },
    { name: 'up', type: FieldType.boolean, values: [true, false, true] },
  ],
});

function barsFrom(frames: DataFrame[], more: Partial<Options> = {}) {
  const { bars, warning } = barsOf(frames, { ...options, ...more }, 'utc');
  expect(warning).toBeUndefined();
  return bars!;
}

test('text is the axis, every number a series, every row a group', () => {
  const bars = barsFrom([table]);
  expect(bars.labels).toEqual(['a', 'b', 'a']);
  expect(bars.series.map((s) => [s.name, s.values])).toEqual([
    ['ok', [3, null, 1]],
    ['failed', [1, -2, 0]],
    ['up', [1, 0, 1]],
  ]);
  expect(bars.series[1]!.origin).toEqual({ frameIndex: 0, fieldIndex: 3 });
});

test('the axis that was asked for', () => {
  expect(barsFrom([table], { xField: 'failed' }).labels).toEqual(['1', '-2', '0']);
  expect(barsFrom([table], { xField: 'failed' }).series.map((s) => s.name)).toEqual(['ok', 'up']);
  expect(barsOf([table], { ...options, xField: 'none' }, 'utc').warning).toBe('Data is missing the field none');
});

test('series over time share groups, in the order of time', () => {
  const series = (name: string, times: number[], values: number[]) =>
    toDataFrame({
      name,
      fields: [
        { name: 'Time', type: FieldType.time, values: times },
        { name: 'Value', type: FieldType.number, labels: { name }, values },
      ],
    });
  const bars = barsFrom([series('a', [2000, 3000], [1, 2]), series('b', [1000, 2000], [3, 4])]);
  expect(bars.labels).toEqual(['1970-01-01 00:00:01', '1970-01-01 00:00:02', '1970-01-01 00:00:03']);
  expect(bars.series.map((s) => s.values)).toEqual([
    [null, 1, 2],
    [3, 4, null],
  ]);
  expect(bars.series.map((s) => s.rows)).toEqual([
    [null, 0, 1],
    [0, 1, null],
  ]);
});

test.each([
  [
    [0, 1000],
    ['00:00:00', '00:00:01'],
  ],
  [
    [0, 60_000],
    ['00:00', '00:01'],
  ],
  [
    [0, 90_000_000, 90_060_000],
    ['01/01 00:00', '01/02 01:00', '01/02 01:01'],
  ],
  [
    [0, 86_400_000],
    ['00:00', '00:00'],
  ],
  [
    [0, 86_400_000, 172_800_000],
    ['01/01', '01/02', '01/03'],
  ],
])('times on the axis: %j', (times, want) => {
  expect(timeTicks(times, 'utc')).toEqual(want);
});

test('stacks: positive and negative apart, hidden ones left out', () => {
  const [ok, failed, up] = stacked(barsFrom([table]), StackingMode.Normal).series;
  expect([ok!.from, ok!.to]).toEqual([
    [0, 0, 0],
    [3, null, 1],
  ]);
  expect([failed!.from, failed!.to]).toEqual([
    [3, 0, 1],
    [4, -2, 1],
  ]);
  expect([up!.from, up!.to]).toEqual([
    [4, 0, 1],
    [5, 0, 2],
  ]);
  const hidden = structuredClone({ ...table, fields: table.fields.map((f) => ({ ...f, display: undefined, getLinks: undefined })) }) as unknown as DataFrame;
  hidden.fields[2]!.config.custom = { hideFrom: { viz: true } };
  expect(stacked(barsFrom([hidden]), StackingMode.Normal).series[1]!.from).toEqual([0, 0, 0]);
});

test('shares of the whole; a group of nothing stays at zero', () => {
  const shares = stacked(
    barsFrom([
      toDataFrame({
        fields: [
          { name: 'x', type: FieldType.string, values: ['a', 'b'] },
          { name: 'p', type: FieldType.number, values: [3, 0] },
          { name: 'q', type: FieldType.number, values: [1, 0] },
        ],
      }),
    ]),
    StackingMode.Percent
  );
  expect(shares.series.map((s) => s.to)).toEqual([
    [0.75, 0],
    [1, 0],
  ]);
});

test.each([
  [0, 0, StackingMode.None, { start: 25, size: 25 }],
  [1, 1, StackingMode.None, { start: 150, size: 25 }],
  [1, 1, StackingMode.Normal, { start: 125, size: 50 }],
])('bar of group %i, series %i, stacking %s', (group, nth, stacking, want) => {
  expect(laneOf(group, 2, nth, 2, 200, { groupWidth: 0.5, barWidth: 1, stacking })).toEqual(want);
});

test('bars of a plot without room are a pixel wide', () => {
  expect(laneOf(0, 1000, 0, 3, 10, options).size).toBe(1);
});

test('labels that have room', () => {
  expect(visibleLabels(4, 50, 40, 0)).toEqual([true, true, true, true]);
  expect(visibleLabels(4, 50, 60, 0)).toEqual([true, false, true, false]);
  expect(visibleLabels(4, 50, 40, 30)).toEqual([true, false, true, false]);
  expect(visibleLabels(4, 50, 40, -30)).toEqual([false, true, false, true]);
  expect([cutLabel('abcdef', 3), cutLabel('abc', 3), cutLabel('abcdef', 0)]).toEqual(['abc…', 'abc', 'abcdef']);
});

test.each([
  [100, 2, undefined, false, 30],
  [40, 2, undefined, false, 19],
  [10, 2, undefined, false, undefined],
  [10, 2, undefined, true, 8],
  [10, 2, 14, false, 14],
])('size of values in %i pixels', (room, width, asked, always, want) => {
  expect(valueSize(room, width, asked, always)).toBe(want);
});

test('colours: of another field, of the value, of the series', () => {
  const config: FieldConfig = {
    color: { mode: FieldColorModeId.Fixed, fixedColor: '#111111' },
    mappings: [{ type: MappingType.ValueToText, options: { '1': { text: 'one', color: '#ff0000' } } }],
  };
  const frame = toDataFrame({
    fields: [
      { name: 'x', type: FieldType.string, values: ['a', 'b'] },
      { name: 'v', type: FieldType.number, config, values: [1, 2] },
      { name: 'other', type: FieldType.number, values: [1, 2] },
    ],
  });
  frame.fields[1]!.display = getDisplayProcessor({ field: frame.fields[1]!, theme });
  const bars = barsFrom([frame]);
  expect(barColor(bars, bars.series[0]!, 0, theme)).toBe('#ff0000');
  expect(barColor(bars, bars.series[0]!, 1, theme)).toBe('#111111');
  frame.fields[2]!.display = (v) => ({ text: String(v), numeric: v as number, color: `#00000${v}` });
  const colored = barsFrom([frame], { colorByField: 'other' });
  expect(barColor(colored, colored.series[0]!, 1, theme)).toBe('#000002');
});

test('fields of one unit share an axis', () => {
  const key = (config: FieldConfig) => scaleKeyOf({ name: 'v', type: FieldType.number, values: [], config });
  expect(key({ unit: 's' })).toBe(key({ unit: 's', decimals: 2 }));
  expect(key({ unit: 's' })).not.toBe(key({ unit: 'bytes' }));
  expect(key({ unit: 's', custom: { axisPlacement: 'right' } })).not.toBe(key({ unit: 's' }));
});

test('an axis knows on which sides of zero its bars are', () => {
  const bars = stacked(barsFrom([table]), StackingMode.None);
  expect(['a', 'b', 'c'].map((key) => signsOf({ bars, scaleKeys: ['a', 'b', 'c'] }, key))).toEqual([
    { negative: false, positive: true },
    { negative: true, positive: true },
    { negative: false, positive: true },
  ]);
});

test('the axis of lying bars is below or above', () => {
  expect([undefined, AxisPlacement.Left, AxisPlacement.Right, AxisPlacement.Hidden].map((p) => valuePlacement(p, true))).toEqual([
    'bottom',
    'bottom',
    'top',
    'hidden',
  ]);
  expect(valuePlacement(AxisPlacement.Right, false)).toBe('right');
});

test.each([
  [[], 'No data'],
  [[toDataFrame({ fields: [{ name: 'v', type: FieldType.number, values: [1] }] })], 'Data is missing a string or time field'],
  [[toDataFrame({ fields: [{ name: 'x', type: FieldType.string, values: ['a'] }] })], 'Data is missing a number field'],
])('nothing to draw: %#', (frames, want) => {
  expect(barsOf(frames as DataFrame[], options, 'utc').warning).toBe(want);
});
