import { FieldType, LogLevel, toDataFrame } from '@grafana/data';
import { LogsDedupStrategy, LogsSortOrder } from '@grafana/schema';
import { describe, expect, test } from 'vitest';
import { detectFields, parseAnsi, prettify, visible } from './line';
import { commonLabels, dedup, readRows } from './rows';

const frame = (lines: string[], labels: Array<Record<string, string>> = []) =>
  toDataFrame({
    fields: [
      { name: 'timestamp', type: FieldType.time, values: lines.map((_, i) => 1000 + Math.floor(i / 2)) },
      { name: 'body', type: FieldType.string, values: lines },
      { name: 'labels', type: FieldType.other, values: lines.map((_, i) => labels[i] ?? { job: 'a' }) },
      { name: 'tsNs', type: FieldType.string, values: lines.map((_, i) => `${1000 + Math.floor(i / 2)}${String(i * 7).padStart(6, '0')}`) },
    ],
  });

describe('rows', () => {
  test('sorts by nanoseconds, both ways', () => {
    const lines = ['a', 'b', 'c'];
    expect(readRows([frame(lines)], LogsSortOrder.Ascending).map((row) => row.line)).toEqual(['a', 'b', 'c']);
    expect(readRows([frame(lines)], LogsSortOrder.Descending).map((row) => row.line)).toEqual(['c', 'b', 'a']);
  });

  test('tells unique labels from common ones', () => {
    const rows = readRows(
      [
        frame(
          ['a', 'b'],
          [
            { job: 'x', pod: '1' },
            { job: 'x', pod: '2', z: '3' },
          ]
        ),
      ],
      LogsSortOrder.Ascending
    );
    expect(commonLabels(rows)).toEqual({ job: 'x' });
    expect(rows.map((row) => row.uniqueLabels)).toEqual([{ pod: '1' }, { pod: '2', z: '3' }]);
  });

  test.each([
    ['x', { level: 'error' }, LogLevel.error],
    ['x', { detected_level: 'warn' }, LogLevel.warning],
    ['level=debug msg="x"', {}, LogLevel.debug],
    ['x', { level: '3' }, LogLevel.error],
    ['{"level": "INFO"}', {}, LogLevel.info],
    ['2026 ERROR no such level=x', {}, LogLevel.error],
    ['warnings errored', {}, LogLevel.unknown],
    ['nothing', { level: 'odd' }, LogLevel.unknown],
  ])('level of %s %j', (line, labels, level) => {
    expect(readRows([frame([line], [labels as Record<string, string>])], LogsSortOrder.Ascending)[0]!.level).toBe(level);
  });

  test('passes frames by that have no lines', () => {
    const numbers = toDataFrame({
      fields: [
        { name: 'Time', type: FieldType.time, values: [1] },
        { name: 'Value', type: FieldType.number, values: [1] },
      ],
    });
    expect(readRows([numbers, toDataFrame({ fields: [] })], LogsSortOrder.Ascending)).toEqual([]);
  });

  test('the labels of the line column count', () => {
    const old = toDataFrame({
      fields: [
        { name: 'ts', type: FieldType.time, values: [1] },
        { name: 'line', type: FieldType.string, values: [null], labels: { app: 'x' } },
      ],
    });
    expect(readRows([old], LogsSortOrder.Ascending)[0]).toMatchObject({ line: '', labels: { app: 'x' } });
  });
});

test.each([
  [LogsDedupStrategy.none, [0, 0, 0, 0, 0]],
  [LogsDedupStrategy.exact, [1, 0, 0, 0]],
  [LogsDedupStrategy.numbers, [2, 0, 0]],
  [LogsDedupStrategy.signature, [3, 0]],
])('dedup %s', (strategy, duplicates) => {
  const lines = ['GET /a 1', 'GET /a 1', 'GET /a 2', 'PUT /b 2', 'x'];
  const rows = readRows([frame(lines)], LogsSortOrder.Ascending);
  expect(dedup(rows, strategy).map((row) => row.duplicates)).toEqual(duplicates);
  // The same rows are processed again when the strategy changes.
  expect(dedup(rows, strategy).map((row) => row.duplicates)).toEqual(duplicates);
});

test('exact dedup leaves the time of the line out', () => {
  const rows = readRows([frame(['2026-01-01T00:00:00.1Z a', '2026-01-01T00:00:01.2Z a'])], LogsSortOrder.Ascending);
  expect(dedup(rows, LogsDedupStrategy.exact)).toHaveLength(1);
});

describe('ansi', () => {
  test.each([
    ['plain', [{ text: 'plain' }]],
    ['\u001b[31mred\u001b[0m x', [{ text: 'red', color: 1 }, { text: ' x' }]],
    ['\u001b[1;92;44ma\u001b[22;39mb\u001b[mc', [{ text: 'a', bold: true, color: 10, background: 4 }, { text: 'b', background: 4 }, { text: 'c' }]],
    [
      '\u001b[38;5;196ma\u001b[38;2;1;2;300mb\u001b[38;5;240mc\u001b[38;5;3md',
      [
        { text: 'a', color: 'rgb(255, 0, 0)' },
        { text: 'b', color: 'rgb(1, 2, 255)' },
        { text: 'c', color: 'rgb(88, 88, 88)' },
        { text: 'd', color: 3 },
      ],
    ],
    ['\u001b[2Ka\u001b]0;title\u0007b\u001b[', [{ text: 'a' }, { text: 'b\u001b[' }]],
    ['', []],
  ])('%j', (line, parts) => {
    expect(parseAnsi(line)).toEqual(parts);
  });
});

test.each([
  ['{"a":1}', '{\n  "a": 1\n}'],
  ['[1]', '[\n  1\n]'],
  ['{broken', '{broken'],
  ['5', '5'],
])('prettify %s', (line, want) => expect(prettify(line)).toBe(want));

test.each([
  [
    '{"a":1,"b":"x","c":{"d":null}}',
    [
      ['a', '1'],
      ['b', 'x'],
      ['c', '{"d":null}'],
    ],
  ],
  [
    'ts=1 level=info msg="a \\"b\\" c" empty= url=/x?y=z',
    [
      ['ts', '1'],
      ['level', 'info'],
      ['msg', 'a "b" c'],
      ['empty', ''],
      ['url', '/x?y=z'],
    ],
  ],
  ['nothing here', []],
])('fields of %s', (line, want) => expect(detectFields(line)).toEqual(want));

test('controls and changes of direction are written out', () => {
  expect(visible('a\u0007b\u202ec\u009b1m\ttab\r')).toBe('a⟨U+0007⟩b⟨U+202E⟩c⟨U+009B⟩1m\ttab');
  expect(
    parseAnsi('\u001b[31mred\u001b[0m\u001b]8;;javascript:x\u0007link')
      .map((p) => visible(p.text))
      .join('')
  ).toBe('redlink');
});
