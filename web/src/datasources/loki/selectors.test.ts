import { describe, expect, test } from 'vitest';

import { addLabelFilters } from './filters';
import { answersWithLines, hasParser, matchersIn, selectorsOf } from './selectors';

const texts = (expr: string) => selectorsOf(expr).map(({ from, to }) => expr.slice(from, to));

test.each([
  ['{a="}"} |= "x" # } {z="q"}', ['{a="}"}']],
  ['sum by (x) (rate({a="b"} | json | y="{" [$__range])) / sum(rate({c=`{`}[1m]))', ['{a="b"}', '{c=`{`}']],
  ['{x="y"} | pattern `<a> {x}` | line_format "{{.x}}"', ['{x="y"}']],
  ['rate({a="b"}[$__auto]) / ra', ['{a="b"}']],
  ['{a="b", ', []],
  ['', []],
])('the selectors of %s', (expr, want) => {
  expect(texts(expr)).toEqual(want);
});

test('a filter goes into selectors, not into templates and comments', () => {
  const filters = [{ key: 'job', operator: '=', value: 'x' }];
  expect(addLabelFilters('{a="b",} | json | line_format `{{.a}}` # {c="d"}', filters)).toBe('{a="b",job="x"} | json | line_format `{{.a}}` # {c="d"}');
  expect(addLabelFilters('rate({}[1m])', filters)).toBe('rate({job="x"}[1m])');
});

test('matchers are those of selectors', () => {
  expect(matchersIn('{a="b", c=~`x.*`,d != "e"} | json | f="g"')).toEqual([
    { name: 'a', operator: '=', value: '"b"' },
    { name: 'c', operator: '=~', value: '`x.*`' },
    { name: 'd', operator: '!=', value: '"e"' },
  ]);
});

describe('what an expression is', () => {
  test.each([
    ['{a="b"} |= "| json"', false],
    ['{a="b"} | json', true],
    ['{a="b"} | json x="y.z"', true],
    ['{a="b"} | logfmt --strict', true],
    ['{a="b"} | logfmt x="y"', true],
    ['{a="b"} | unpack', true],
    ['{a="b"} | regexp "(?P<x>.*)"', true],
    ['{a="b"} | json_field="x"', false],
  ])('%s has a parser: %s', (expr, want) => expect(hasParser(expr)).toBe(want));

  test.each([
    ['  {a="b"}', true],
    ['# all\n({a="b"} | json)', true],
    ['{a="b"} |= "x', true],
    ['rate({a="b"}[1m])', false],
    ['vector(1)', false],
    ['', false],
  ])('%s answers with lines: %s', (expr, want) => expect(answersWithLines(expr)).toBe(want));
});
