import { createTheme, FieldType, toDataFrame, type DataFrame } from '@grafana/data';
import { expect, test } from 'vitest';

import { mostSeries } from '../shared/mostSeries';
import { graphable } from './frames';
import { mostInLegend, nameColumn, rowsOf, sorted, valueOf } from './legend';

const theme = createTheme();

/** Frames with one series each; the nth has the values n and 2n. */
function frames(count: number, hidden: (n: number) => boolean = () => false): DataFrame[] {
  return Array.from({ length: count }, (_, n) =>
    toDataFrame({
      fields: [
        { name: 'Time', type: FieldType.time, values: [0, 10] },
        {
          name: 'v',
          type: FieldType.number,
          values: [n, 2 * n],
          config: { displayNameFromDS: `host-${n}`, unit: 'percent', custom: { hideFrom: { viz: hidden(n), legend: n === 1, tooltip: false } } },
        },
      ],
    })
  );
}

const drawnNames = (input: DataFrame[]) => graphable(input, theme).frames!.map((f) => f.fields[1]!.config.displayNameFromDS);

test('few series have the legend of the library', () => {
  expect(graphable(frames(mostInLegend), theme).legend).toBeUndefined();
  expect(graphable(frames(mostInLegend + 1), theme).legend).toHaveLength(mostInLegend + 1);
});

test('every series is in the legend, and what it hides leaves its place to others', () => {
  const count = mostSeries + 50;
  const all = graphable(frames(count), theme);
  expect(all.frames).toHaveLength(mostSeries);
  expect(all.legend!.filter((s) => !s.drawn)).toHaveLength(50);
  const last = frames(count, (n) => n < count - 2);
  expect(drawnNames(last)).toEqual([`host-${count - 2}`, `host-${count - 1}`]);
  const rows = rowsOf(graphable(last, theme).legend!, last, theme);
  expect(rows).toHaveLength(count - 1);
  expect(rows.filter((r) => !r.hidden).map((r) => r.name)).toEqual([`host-${count - 2}`, `host-${count - 1}`]);
  // A series shown alone keeps the color it has among all.
  const alone = graphable(last, theme).frames![0]!.fields[1]!;
  expect(alone.state?.seriesIndex).toBe(count - 2);
});

test('with nothing visible the legend is still there', () => {
  const { frames: none, legend } = graphable(
    frames(mostSeries + 1, () => true),
    theme
  );
  expect(none).toEqual([]);
  expect(legend).toHaveLength(mostSeries + 1);
});

test('rows are sorted by name as people count, and by values', () => {
  const input = frames(120);
  input[7]!.fields[1]!.values = [null, null];
  const rows = rowsOf(graphable(input, theme).legend!, input, theme);
  const order = (column: string | undefined, descending: boolean) => sorted(rows, ['max', 'lastNotNull'], column, descending).map((r) => r.name);
  expect(order(undefined, false).slice(0, 3)).toEqual(['host-0', 'host-2', 'host-3']);
  expect(order(nameColumn, false).slice(8, 11)).toEqual(['host-9', 'host-10', 'host-11']);
  expect(order('Max', true).slice(0, 2)).toEqual(['host-119', 'host-118']);
  expect(order('Max', false).slice(0, 2)).toEqual(['host-7', 'host-0']);
  expect(order('Max', true).at(-1)).toBe('host-7');
  expect(order('no such column', true)).toEqual(order(undefined, false));
});

test('values have the unit of their series, counts have none', () => {
  const input = frames(120);
  const row = rowsOf(graphable(input, theme).legend!, input, theme).find((r) => r.name === 'host-50')!;
  expect(['max', 'mean', 'count', 'diffperc'].map((calc) => valueOf(row, calc, theme))).toEqual(['100%', '75%', '2', '100%']);
});
