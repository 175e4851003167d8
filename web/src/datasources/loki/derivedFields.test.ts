import { FieldType, type DataFrame } from '@grafana/data';
import { expect, test } from 'vitest';

import { withDerivedFields } from './derivedFields';

const frame = {
  length: 2,
  fields: [
    { name: 'labels', type: FieldType.other, config: {}, values: [{ app: 'a', user_id: '7' }, { app: 'b' }] },
    { name: 'Line', type: FieldType.string, config: {}, values: ['trace=abc done', 'nothing'] },
  ],
} as DataFrame;

test('derived fields are columns with links', () => {
  const found = withDerivedFields(frame, [
    { name: 'traceID', matcherRegex: 'trace=(\\w+)', url: 'http://t/${__value.raw}', urlDisplayLabel: 'Trace' },
    { name: 'user', matcherRegex: '^user', matcherType: 'label', url: 'http://u/${__value.raw}' },
    { name: 'never', matcherRegex: 'x=(.)' },
    { name: 'broken', matcherRegex: '(' },
  ]).fields.slice(2);
  expect(found.map((f) => [f.name, f.values, f.config.links?.[0]])).toEqual([
    ['traceID', ['abc', null], { title: 'Trace', url: 'http://t/${__value.raw}', targetBlank: true }],
    ['user', ['7', null], { title: '', url: 'http://u/${__value.raw}', targetBlank: true }],
  ]);
});

test('frames without lines stay as they are', () => {
  const other = { ...frame, fields: frame.fields.slice(0, 1) };
  expect(withDerivedFields(other, [{ name: 'a', matcherRegex: '(.)' }])).toBe(other);
});
