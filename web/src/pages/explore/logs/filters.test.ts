import { expect, test } from 'vitest';

import { addFilter, addPattern, quoteLogql, selectorIn, type LineFilter } from './filters';

const of = (part: Partial<LineFilter>): LineFilter => ({ name: 'a', value: 'b', operator: '=', stream: false, ...part });

test.each([
  ['{x="y"}', of({ stream: true }), '{x="y", a="b"}'],
  ['{x="y", a="b"}', of({ stream: true }), '{x="y", a="b"}'],
  ['{x="y"} |= "}"', of({ stream: true, operator: '!=' }), '{x="y", a!="b"} |= "}"'],
  ['{x="y"}', of({}), '{x="y"} | a="b"'],
  ['{x="y"}', of({ parser: 'json' }), '{x="y"} | json | a="b"'],
  ['{x="y"} | json', of({ parser: 'json', operator: '!=' }), '{x="y"} | json | a!="b"'],
  ['{x="y"} | json | a="b"', of({ parser: 'json' }), '{x="y"} | json | a="b"'],
  ['{x="y"}', of({ name: 'a.b-c', value: 'say "hi"' }), '{x="y"} | a_b_c=`say "hi"`'],
])('%s', (expr, filter, want) => {
  expect(addFilter(expr, filter)).toBe(want);
});

test('patterns and quotes', () => {
  expect(addPattern('{x="y"}', 'GET <_> "x"', true)).toBe('{x="y"} |> `GET <_> "x"`');
  expect(addPattern('{x="y"}', 'GET <_>', false)).toBe('{x="y"} !> "GET <_>"');
  expect(quoteLogql('a`"b\n')).toBe('"a`\\"b\\n"');
  expect(selectorIn('{x="}"} |= "{"')).toBe('{x="}"}');
});
