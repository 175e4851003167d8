import { expect, test } from 'vitest';

import { countOf, partsOf, type Part } from './explain';

const flat = (part: Part | undefined, depth = 0): string[] =>
  part ? [`${'-'.repeat(depth)}${part.text}`, ...part.parts.flatMap((p) => flat(p, depth + 1))] : [];

test.each([
  ['up', ['up']],
  ['sum by (job) (rate(x_total{a="(b)"}[5m]))', ['sum by (job) (rate(x_total{a="(b)"}[5m]))', '-rate(x_total{a="(b)"}[5m])', '--x_total{a="(b)"}[5m]']],
  ['(a / on (x) b) > 5', ['(a / on (x) b) > 5', '-a / on (x) b', '--a', '--b']],
  ['topk(3, x offset 1h)', ['topk(3, x offset 1h)', '-x offset 1h']],
  ['max_over_time(rate(x[1m])[1h:1m])', ['max_over_time(rate(x[1m])[1h:1m])', '-rate(x[1m])[1h:1m]', '--rate(x[1m])', '---x[1m]']],
  ['sum(', []],
])('%s', (expr, want) => {
  expect(flat(partsOf(expr))).toEqual(want);
});

test('what counts a part', () => {
  expect(countOf(partsOf('rate(x[1m])')!)).toBe('count(rate(x[1m]))');
  expect(countOf(partsOf('rate(x[1m])')!.parts[0]!)).toBe('count(last_over_time(x[1m]))');
});
