import { createTheme, dateTime, FieldType, toDataFrame, type TimeRange } from '@grafana/data';
import { expect, test } from 'vitest';

import { mostSeries, tooMany } from '../shared/mostSeries';
import { graphable } from './frames';

const range: TimeRange = { from: dateTime(0), to: dateTime(50), raw: { from: 'now-1m', to: 'now' } };
const series = (times: number[], name: string) =>
  toDataFrame({
    fields: [
      { name: 'Time', type: FieldType.time, config: { interval: 10 }, values: times },
      { name, type: FieldType.number, values: times.map(() => 1) },
    ],
  });

test('every frame has a gap where its values are missing', () => {
  const input = [series([0, 10, 40, 50], 'a'), series([0, 10, 20, 50], 'b')];
  // When the same data is drawn again, the gaps are still there.
  for (let draw = 0; draw < 2; draw++) {
    const { frames } = graphable(input, createTheme(), range);
    expect(frames!.map((f) => f.fields.map((field) => field.values))).toEqual([
      [
        [0, 10, 20, 30, 40, 50],
        [1, 1, null, null, 1, 1],
      ],
      [
        [0, 10, 20, 30, 40, 50],
        [1, 1, 1, null, null, 1],
      ],
    ]);
    expect(frames!.every((f) => (f.fields[0]!.state as { nullThresholdApplied?: boolean }).nullThresholdApplied)).toBe(true);
  }
  expect(input[0]!.fields[0]!.state).toBeFalsy();
});

test('as many series are drawn as can be read, and the panel says so', () => {
  const input = Array.from({ length: mostSeries + 5 }, (_, i) => series([0, 10], `s${i}`));
  expect(graphable(input, createTheme(), range).frames).toHaveLength(mostSeries);
  expect(tooMany('timeseries', input)).toContain(`${mostSeries} of ${mostSeries + 5} series`);
  expect(tooMany('timeseries', input.slice(5))).toBeUndefined();
  expect(tooMany('heatmap', input)).toBeUndefined();
});
