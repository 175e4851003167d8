import { CompletionContext } from '@codemirror/autocomplete';
import { EditorState } from '@codemirror/state';
import { expect, test } from 'vitest';

import { completeLogql, lastSelector } from './logql';

const asked: string[] = [];
const source = {
  labels: async () => ['container', 'job'],
  values: async (label: string, selector: string) => {
    asked.push(`${label} of ${selector}`);
    return ['api', 'say "hi"'];
  },
  fields: async (selector: string) => [`field_of_${selector.length}`],
};

async function at(text: string) {
  const pos = text.indexOf('^');
  const state = EditorState.create({ doc: text.replace('^', '') });
  const result = await completeLogql(new CompletionContext(state, pos, false), source);
  return { from: result?.from, to: result?.to, labels: result?.options.map((o) => o.label) ?? [] };
}

test.each([
  ['{^', ['container', 'job'], 1],
  ['{con^', ['container', 'job'], 1],
  ['{a="b", j^}', ['container', 'job'], 8],
  ['{job=^', ['"api"', '"say \\"hi\\""'], 5],
  ['{job="a^"}', ['"api"', '"say \\"hi\\""'], 5],
  ['sum by (c^) (rate({a="b"}[1m]))', ['container', 'job', 'field_of_7'], 8],
])('%s', async (text, want, from) => {
  const found = await at(text);
  expect(found.labels).toEqual(want);
  expect(found.from).toBe(from);
});

test('values are those of streams that the other matchers leave', async () => {
  asked.length = 0;
  await at('{job="x", container=~"^"}');
  expect(asked).toEqual(['container of {job="x"}']);
  expect((await at('{job="a^"}')).to).toBe(8); // the closing quote is replaced
});

test('stages after a bar, none in a line filter', async () => {
  expect((await at('{job="x"} | ^')).labels).toEqual(expect.arrayContaining(['json', 'logfmt', 'line_format', 'field_of_9']));
  expect((await at('{job="x"} |= "ra^')).labels).toEqual([]);
  expect((await at('ra^')).labels).toContain('rate');
});

test.each([
  ['{a="}"} |= "x"', '{a="}"}'],
  ['rate({a="b"}[1m]) / rate({c=`{`}[1m])', '{c=`{`}'],
  ['', '{}'],
])('the selector of %s', (text, want) => {
  expect(lastSelector(text)).toBe(want);
});
