import {
  createTheme,
  FieldColorModeId,
  FieldType,
  getDisplayProcessor,
  MappingType,
  ThresholdsMode,
  toDataFrame,
  type DataFrame,
  type FieldConfig,
} from '@grafana/data';
import { expect, test } from 'vitest';

import { stateLegend } from './legend';
import { historyRows, segmentAt, timelineRows } from './rows';
import { shorten } from '../shared/shorten';
import { durationText } from './Tooltip';

const theme = createTheme();

function frameOf(times: number[], values: unknown[], config: FieldConfig = {}, type = FieldType.number, interval?: number): DataFrame {
  const frame = toDataFrame({
    fields: [
      { name: 'time', type: FieldType.time, config: interval ? { interval } : {}, values: times },
      { name: 'value', type, config, values },
    ],
  });
  frame.fields[1]!.display = getDisplayProcessor({ field: frame.fields[1]!, theme });
  return frame;
}

const spans = (frame: DataFrame, end: number, merge = true) => timelineRows([frame], theme, end, merge)[0]!.segments.map((s) => [s.from, s.to, s.text]);

test('equal values that follow each other are one state', () => {
  expect(spans(frameOf([0, 10, 20, 30], [1, 1, 0, 1]), 40)).toEqual([
    [0, 20, '1'],
    [20, 30, '0'],
    [30, 40, '1'],
  ]);
  expect(spans(frameOf([0, 10, 20], [1, 1, 1]), 30, false)).toHaveLength(3);
});

test.each([
  [
    'null ends a state',
    {},
    [
      [0, 10, 'a'],
      [20, 30, 'a'],
    ],
  ],
  ['all nulls are spanned', { spanNulls: true }, [[0, 30, 'a']]],
  ['short gaps are spanned', { spanNulls: 11 }, [[0, 30, 'a']]],
  [
    'long gaps are not',
    { spanNulls: 10 },
    [
      [0, 10, 'a'],
      [20, 30, 'a'],
    ],
  ],
])('%s', (_name, custom, want) => {
  expect(spans(frameOf([0, 10, 20], ['a', null, 'a'], { custom }, FieldType.string), 30)).toEqual(want);
});

test('a state ends when samples stop coming', () => {
  expect(spans(frameOf([0, 10, 60], [1, 1, 1], {}, FieldType.number, 10), 100)).toEqual([
    [0, 20, '1'],
    [60, 70, '1'],
  ]);
  expect(spans(frameOf([0, 10, 60], [1, 1, 1], { custom: { insertNulls: 100 } }, FieldType.number, 10), 100)).toEqual([[0, 100, '1']]);
});

test('values between the same thresholds are one state, mapped ones keep their text', () => {
  const config: FieldConfig = {
    color: { mode: FieldColorModeId.Thresholds },
    thresholds: {
      mode: ThresholdsMode.Absolute,
      steps: [
        { value: -Infinity, color: 'red' },
        { value: 80, color: 'green' },
      ],
    },
    mappings: [{ type: MappingType.ValueToText, options: { '0': { text: 'off', color: 'blue' } } }],
  };
  const frame = frameOf([0, 10, 20, 30, 40], [10, 20, 90, 99, 0], config);
  expect(spans(frame, 50)).toEqual([
    [0, 20, '< 80'],
    [20, 40, '80+'],
    [40, 50, 'off'],
  ]);
  expect(stateLegend(timelineRows([frame], theme, 50, true), theme).map((i) => i.label)).toEqual(['< 80', '80+', 'off']);
  expect(stateLegend(timelineRows([frameOf([0], [0], config)], theme, 50, true), theme).map((i) => i.label)).toEqual(['off']);
});

test('booleans, unordered times, hidden fields', () => {
  expect(spans(frameOf([20, 0, 10], [false, true, true], {}, FieldType.boolean), 30)).toEqual([
    [0, 20, 'true'],
    [20, 30, 'false'],
  ]);
  expect(timelineRows([frameOf([0], [1], { custom: { hideFrom: { viz: true } } })], theme, 1, true)).toEqual([]);
  expect(timelineRows([toDataFrame({ fields: [{ name: 'v', type: FieldType.number, values: [1] }] })], theme, 1, true)).toEqual([]);
});

test('each value of a history is a box around its time', () => {
  const [row] = historyRows([frameOf([0, 10, 20], [1, null, 1])], theme, 0.8, 100);
  expect(row!.segments.map((s) => [s.from, s.to])).toEqual([
    [-4, 4],
    [16, 24],
  ]);
});

test('the segment of a time', () => {
  const { segments } = timelineRows([frameOf([0, 10, 20], [1, null, 1])], theme, 30, true)[0]!;
  expect([-1, 0, 9, 10, 19, 20, 29, 30].map((t) => segmentAt(segments, t))).toEqual([-1, 0, 0, -1, -1, 1, 1, -1]);
});

test('50,000 values are merged quickly', () => {
  const times = Array.from({ length: 50_000 }, (_, i) => i * 1000);
  const start = performance.now();
  expect(
    timelineRows(
      [
        frameOf(
          times,
          times.map((t) => (t / 1000) % 2)
        ),
      ],
      theme,
      5e7,
      true
    )[0]!.segments
  ).toHaveLength(50_000);
  expect(performance.now() - start).toBeLessThan(1000);
});

test.each([
  [0, '0s'],
  [999, '999ms'],
  [61_000, '1m 1s'],
  [7_500_000, '2h 5m'],
  [90_000_000, '1d 1h'],
])('%i ms last %s', (ms, want) => {
  expect(durationText(ms)).toBe(want);
});

test.each([
  [6, 'abcdef'],
  [4, 'abc…'],
  [0, '…'],
])('a name in %i characters', (room, want) => {
  expect(shorten('abcdef', room, (t) => t.length)).toBe(want);
});
