import { setDataSourceSrv, type DataSourceSrv } from '@grafana/runtime';
import type { VariableModel } from '@grafana/schema';
import { expect, test } from 'vitest';

import { buildVariables, inCircle } from './variables';

const query = (name: string, text: string) => ({ name, type: 'query', query: text }) as unknown as VariableModel;

test('inCircle finds variables that need each other', () => {
  expect(
    inCircle([query('a', 'label_values(up{x="$b"}, a)'), query('b', 'label_values(up{x="${a:regex}"}, b)'), query('c', 'label_values(up{a="[[a]]"}, c)')])
  ).toEqual(['a', 'b']);
  expect(inCircle([query('a', 'label_values(up, a)'), query('b', 'label_values(up{a="$a"}, b)')])).toEqual([]);
  expect(inCircle([query('a', 'label_values(up{a="$a"}, a)')])).toEqual(['a']);
});

test('a circle and an unknown type are told and keep their values', () => {
  const notices: string[] = [];
  const set = buildVariables(
    [
      { ...query('a', 'x($b)'), current: { value: 'one', text: 'one' } } as VariableModel,
      query('b', 'x($a)'),
      { name: 'c', type: 'brandnew', current: { value: 'z', text: 'z' } } as unknown as VariableModel,
    ],
    notices
  );
  expect(set.state.variables.map((v) => [v.state.name, v.state.type, v.getValue()])).toEqual([
    ['a', 'constant', 'one'],
    ['b', 'constant', ''],
    ['c', 'constant', 'z'],
  ]);
  expect(notices).toHaveLength(2);
});

test('a data source variable without a value stands for the default source of its type', () => {
  setDataSourceSrv({ getInstanceSettings: ({ type }: { type: string }) => ({ uid: `the-${type}`, name: `The ${type}` }) } as unknown as DataSourceSrv);
  const source = (current: object, more: object = {}) =>
    buildVariables([{ name: 'ds', type: 'datasource', query: 'prometheus', current, ...more } as unknown as VariableModel], []).state.variables[0]!.getValue();
  expect(source({})).toBe('the-prometheus');
  expect(source({}, { multi: true })).toEqual(['the-prometheus']);
  expect(source({ value: 'other', text: 'Other' })).toBe('other');
});
