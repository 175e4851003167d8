import { expect, test } from 'vitest';

import { linesOf } from './lines';

const text = '{"a":"ü€"}\n{"b":2}\n\n{"c":3}\n';

test.each([1, 2, 3, 7, 100])('lines are the same in parts of %i bytes', (size) => {
  const bytes = new TextEncoder().encode(text);
  const parse = linesOf();
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    lines.push(...parse(bytes.slice(at, at + size)));
  }
  expect(lines).toEqual(['{"a":"ü€"}', '{"b":2}', '{"c":3}']);
});

test('what does not end is no line', () => {
  const parse = linesOf();
  expect(parse(new TextEncoder().encode('{"a":1}\n{"b"'))).toEqual(['{"a":1}']);
  expect(parse(undefined)).toEqual([]);
});
