import { describe, expect, test } from 'vitest';

import { formatMatchers, fromSilenceMatcher, matchesAll, matchesEmpty, parseMatchers, toSilenceMatcher, wordsOf, type Matcher } from './matchers';

const one = (name: string, operator: Matcher['operator'], value: string): Matcher => ({ name, operator, value });

describe('matchers', () => {
  test.each([
    ['', []],
    ['{}', []],
    ['{alertname="A",severity=~"a|b"}', [one('alertname', '=', 'A'), one('severity', '=~', 'a|b')]],
    ['alertname=A, b!="x, y"', [one('alertname', '=', 'A'), one('b', '!=', 'x, y')]],
    ['{a="say \\"hi\\" \\\\ \\n"}', [one('a', '=', 'say "hi" \\ \n')]],
    ['{"service.name"!~"x.*"}', [one('service.name', '!~', 'x.*')]],
    ["a='b'", [one('a', '=', 'b')]],
  ])('%s', (text, want) => {
    expect(parseMatchers(text)).toEqual(want);
    expect(parseMatchers(formatMatchers(want))).toEqual(want);
    expect(want.map(toSilenceMatcher).map(fromSilenceMatcher)).toEqual(want);
  });

  test.each([
    ['{a}', 'cannot read a'],
    ['a="b" c', 'cannot read'],
    ['a=~"("', 'not a regular expression'],
    ['="x"', 'cannot read'],
  ])('%s is refused', (text, reason) => {
    expect(() => parseMatchers(text)).toThrow(reason);
  });

  test('match as Alertmanager does', () => {
    const labels = { job: 'node', instance: 'a:9100' };
    expect(matchesAll(parseMatchers('{job="node",instance=~"a.*"}'), labels)).toBe(true);
    expect(matchesAll(parseMatchers('{instance=~"a"}'), labels)).toBe(false);
    expect(matchesAll(parseMatchers('{cluster=""}'), labels)).toBe(true);
    expect(matchesAll(parseMatchers('{cluster!~".+"}'), labels)).toBe(true);
    expect(matchesAll(parseMatchers('{constructor=""}'), labels)).toBe(true);
    expect(['a=~".*"', 'a!="x"', 'a="x"', 'a=~".+"'].map((t) => matchesEmpty(parseMatchers(t)[0]!))).toEqual([true, true, false, false]);
  });
});

test.each([
  ['Disk  full', ['disk', 'full']],
  ['', []],
  ['{severity', undefined],
  ['job=~"a|b"', undefined],
  ['"http', undefined],
])('the words of %s', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});
