import { expect, test } from 'vitest';

import type { Stream } from '../../../datasources/loki/streams';
import type { LogRow } from '../../../panels/logs/rows';
import { readLines, rowsOf } from './lines';

/** A Loki with given lines: [nanoseconds, text]. */
function lokiOf(lines: Array<[bigint, string]>) {
  const asked: Array<{ end: string; limit: number }> = [];
  return {
    asked,
    lines: async (_: string, { start, end }: { start: string; end: string }, limit: number): Promise<Stream[]> => {
      asked.push({ end, limit });
      const found = lines
        .filter(([ns]) => ns >= BigInt(start) && ns < BigInt(end))
        .sort((a, b) => (a[0] < b[0] ? 1 : -1))
        .slice(0, limit);
      return [{ stream: { job: 'x' }, values: found.map(([ns, line]) => [String(ns), line]) }];
    },
  };
}

const base = 1_700_000_000_000_000_000n;
const window = { start: String(base), end: String(base + 10_000_000n) };

async function read(lines: Array<[bigint, string]>, most: number) {
  const loki = lokiOf(lines);
  let last: { rows: LogRow[]; all: boolean } = { rows: [], all: false };
  await readLines(loki, '{}', window, most, (p) => (last = p), new AbortController().signal);
  return { ...last, asked: loki.asked };
}

test('pages are put together, with no line lost or doubled where they were cut', async () => {
  // Three lines per nanosecond, so that pages end between lines of the same nanosecond.
  const lines = Array.from({ length: 12_000 }, (_, i): [bigint, string] => [base + BigInt(Math.floor(i / 3)), `line ${i}`]);
  const { rows, all, asked } = await read(lines, 100_000);
  expect(new Set(rows.map((r) => r.line)).size).toBe(12_000);
  expect(rows.length).toBe(12_000);
  expect(all).toBe(true);
  expect(asked.length).toBe(3);
  expect(new Set(rows.map((r) => r.key)).size).toBe(12_000);
});

test('it ends at the most that was asked for, and says that there is more', async () => {
  const lines = Array.from({ length: 30 }, (_, i): [bigint, string] => [base + BigInt(i), `line ${i}`]);
  const { rows, all } = await read(lines, 10);
  expect(rows.map((r) => r.line)).toEqual(
    lines
      .slice(20)
      .reverse()
      .map(([, line]) => line)
  );
  expect(all).toBe(false);
  expect((await read(lines, 31)).all).toBe(true);
});

test('a nanosecond with more lines than a page does not go on for ever', async () => {
  const lines = [...Array.from({ length: 7000 }, (_, i): [bigint, string] => [base + 5n, `same ${i}`]), [base + 1n, 'old'] as [bigint, string]];
  const { rows, all } = await read(lines, 100_000);
  expect(rows.at(-1)!.line).toBe('old');
  expect(all).toBe(true);
});

test('equal lines of a nanosecond are two rows, and what is no label of the stream is known beside it', () => {
  const rows = rowsOf([
    {
      stream: { a: 'b' },
      values: [
        ['1700000000000000001', 'x', { structuredMetadata: { detected_level: 'error' } }],
        ['1700000000000000001', 'x', {}],
      ],
    },
  ]);
  expect(rows.map((r) => [r.nanos, r.level, r.stream])).toEqual([
    [1, 'error', { a: 'b' }],
    [1, 'unknown', { a: 'b' }],
  ]);
  expect(rows[0]!.key).not.toBe(rows[1]!.key);
  expect(rows[0]!.labels).toEqual({ a: 'b', detected_level: 'error' });
});
