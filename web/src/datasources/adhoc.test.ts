import { describe, expect, test } from 'vitest';

import { withoutComparisons } from './adhocMatchers';
import { addLabelFilters } from './loki/filters';
import { addFilters } from './prometheus/adhoc';

const values = ['1', '5', '10', '2.5', '+Inf', 'x'];
const filter = (operator: string, value: string, more?: string[]) => ({ key: 'box', operator, value, values: more });

describe.each([
  ['Prometheus', (filters: Parameters<typeof addFilters>[1]) => addFilters('load', filters), (m: string) => `load{${m}}`],
  ['Loki', (filters: Parameters<typeof addFilters>[1]) => addLabelFilters('{job="shop"} | json', filters), (m: string) => `{job="shop", ${m}} | json`],
])('%s', (_, add, wanted) => {
  test.each([
    [filter('=', 'a"b'), 'box="a\\"b"'],
    [filter('!=', 'a'), 'box!="a"'],
    [filter('=~', 'a.*'), 'box=~"a.*"'],
    [filter('!~', 'a|b'), 'box!~"a|b"'],
    [filter('=|', 'a', ['a', 'b.c']), 'box=~"a|b\\\\.c"'],
    [filter('!=|', 'a', ['a', 'b']), 'box!~"a|b"'],
    [filter('<', '5'), 'box=~"1|2\\\\.5"'],
    [filter('<=', '5'), 'box=~"1|5|2\\\\.5"'],
    [filter('>', '5'), 'box=~"10|\\\\+Inf"'],
    [filter('>=', '10'), 'box=~"10|\\\\+Inf"'],
    [filter('>', 'w'), 'box=~"x"'],
    [filter('<', '1'), 'box="", box!=""'],
  ])('%o', async (one, matcher) => {
    expect(add(await withoutComparisons([one], async () => values))).toBe(wanted(matcher));
  });
  test('an operator that is not known is an error', () => {
    expect(() => add([filter('~~', 'a')])).toThrow('the operator ~~ is not known');
  });
});
