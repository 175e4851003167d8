import type { FieldDisplay } from '@grafana/data';
import { SortOrder } from '@grafana/schema';
import { expect, test } from 'vitest';
import { entriesOf, labelLines, percentText, totalOf } from './values';

const display = (title: string, numeric: number, hideFrom = {}): FieldDisplay =>
  ({ name: title, field: { custom: { hideFrom } }, display: { title, numeric, text: String(numeric), color: '#fff' }, hasLinks: false }) as FieldDisplay;
const all = [display('a', 1), display('b', 5, { viz: true }), display('c', 3), display('d', NaN), display('e', -2, { legend: true })];

test.each([
  [SortOrder.None, 'abcde'],
  [SortOrder.Descending, 'bcaed'],
  [SortOrder.Ascending, 'deacb'],
  [undefined, 'abcde'],
])('sorted %s', (sort, want) => {
  expect(
    entriesOf(all, sort)
      .map((entry) => entry.name)
      .join('')
  ).toBe(want);
});

test('the whole is what is drawn', () => {
  const entries = entriesOf(all, undefined);
  expect(totalOf(entries)).toBe(4);
  expect(entries.map((entry) => entry.hidden)).toEqual([false, true, false, false, false]);
  expect(entries[4]!.legend).toBe(false);
  expect(percentText(1, 4)).toBe('25%');
  expect(percentText(1, 3, 1)).toBe('33.3%');
  expect(percentText(1, 0)).toBe('0%');
  expect(labelLines(entries[0]!, 4, ['name', 'percent', 'value'] as never)).toEqual(['a', '1', '25%']);
  expect(labelLines(entries[0]!, 4, undefined as never)).toEqual([]);
});
