import { dateTime } from '@grafana/data';
import { setDataSourceSrv, type DataSourceSrv } from '@grafana/runtime';
import { expect, test } from 'vitest';

import { durationOf, inputsOf, momentOf, paramsOf, queriesOf, queriesOfExplore, rangeOf, secondsOf, tabOf } from './explore';
import { languageOf, nameOf, nameOfDefault, uidOf } from './sources';

test('the address of a generatorURL', () => {
  const address = 'g0.expr=up+%3D%3D+0&g0.tab=0&g0.range_input=1h30m&g0.end_input=2026-11-24+03%3A00%3A00';
  const [query] = queriesOf(new URLSearchParams(address));
  expect(query).toEqual({ expr: 'up == 0', tab: '0', range_input: '1h30m', end_input: '2026-11-24 03:00:00' });
  expect(tabOf(query!)).toBe('graph');
  expect(rangeOf(query!)).toEqual({ from: '2026-11-24T01:30:00.000Z', to: '2026-11-24T03:00:00.000Z' });
  expect(momentOf(query!)).toBe(Date.UTC(2026, 10, 24, 3));
  expect(paramsOf([query!]).toString()).toBe(address);
});

test('several queries, holes and nothing', () => {
  expect(queriesOf(new URLSearchParams('g2.expr=b&g0.expr=a&g0.tab=1&other=x'))).toEqual([{ expr: 'a', tab: '1' }, { expr: 'b' }]);
  expect(queriesOf(new URLSearchParams(''))).toEqual([{ expr: '' }]);
  expect(paramsOf([{ expr: '' }, { expr: 'b' }]).toString()).toBe('g1.expr=b');
});

test.each([
  ['1h', 3600],
  ['90', 90],
  ['1h30m', 5400],
  ['2w', 1_209_600],
  ['0s', undefined],
  ['x', undefined],
  ['', undefined],
  ['1h!', undefined],
])('%s', (text, seconds) => {
  expect(secondsOf(text)).toBe(seconds);
});

test.each([
  [3600, '1h'],
  [5400, '1h30m'],
  [691_200, '8d'],
  [1_209_600, '2w'],
  [0, '1s'],
])('%d seconds', (seconds, text) => {
  expect(durationOf(seconds)).toBe(text);
});

test('without an end the range follows the clock', () => {
  expect(rangeOf({ expr: '', range_input: '1h30m' })).toEqual({ from: 'now-1h-30m', to: 'now' });
  expect(rangeOf({ expr: '', end_input: 'nonsense' })).toEqual({ from: 'now-1h', to: 'now' });
  expect(momentOf({ expr: '' })).toBeUndefined();
});

test('a picked range', () => {
  expect(inputsOf({ from: 'now-6h', to: 'now' })).toEqual({ range_input: '6h', end_input: '' });
  expect(inputsOf({ from: dateTime('2026-11-24T01:00:00Z'), to: dateTime('2026-11-24T03:30:00Z') })).toEqual({
    range_input: '2h30m',
    end_input: '2026-11-24 03:30:00',
  });
});

const withDefault = (uid: string) =>
  setDataSourceSrv({
    getList: () =>
      [
        { uid: 'prometheus', name: 'Prometheus', type: 'prometheus' },
        { uid: 'second', name: 'Far away', type: 'prometheus' },
        { uid: 'loki', name: 'Loki', type: 'loki' },
        { uid: 'logs2', name: 'Other logs', type: 'loki' },
      ].map((s) => ({ ...s, isDefault: s.uid === uid })),
  } as unknown as DataSourceSrv);
withDefault('prometheus');

test.each([
  ['prometheus', ''],
  ['second', 'second'],
  ['loki', 'loki'],
  ['alertmanager', ''],
])('a new query starts at the default data source %s', (uid, name) => {
  withDefault(uid);
  expect(nameOfDefault()).toBe(name);
  expect(uidOf('')).toBe('prometheus');
  withDefault('prometheus');
});

test.each([
  [undefined, 'prometheus', '', 'promql'],
  ['', 'prometheus', '', 'promql'],
  ['loki', 'loki', 'loki', 'logql'],
  ['second', 'second', 'second', 'promql'],
  ['logs2', 'logs2', 'logs2', 'logql'],
  ['Other logs', 'logs2', 'logs2', 'logql'],
  ['nobody', undefined, undefined, 'promql'],
] as const)('the source %s', (source, uid, name, language) => {
  expect(uidOf(source)).toBe(uid);
  expect(uid && nameOf(uid)).toBe(name);
  expect(languageOf(source)).toBe(language);
});

test('addresses of Explore', () => {
  const of = (name: string, value: unknown) => queriesOfExplore(new URLSearchParams({ [name]: JSON.stringify(value) }));
  // As written by the Loki ruler.
  expect(of('left', { queries: [{ expr: 'rate({job="x"}[1m]) > 1', queryType: 'range' }] })).toEqual([
    { expr: 'rate({job="x"}[1m]) > 1', tab: '0', source: 'loki', range_input: '1h' },
  ]);
  // As written by Grafana.
  expect(
    of('panes', {
      abc: {
        datasource: 'prometheus',
        queries: [{ expr: 'up', datasource: { type: 'prometheus', uid: 'p' } }],
        range: { from: '1000000000000', to: '1000003600000' },
      },
    })
  ).toEqual([{ expr: 'up', tab: '0', range_input: '1h', end_input: '2001-09-09 02:46:40' }]);
  expect(of('left', { datasource: 'Prometheus', queries: [{ expr: 'up' }], range: { from: 'now-6h', to: 'now' } })).toEqual([
    { expr: 'up', tab: '0', range_input: '6h' },
  ]);
  // Data sources that are not built in, by uid and by name.
  expect(of('panes', { a: { datasource: 'logs2', queries: [{ expr: '{a="b"}', datasource: { type: 'loki', uid: 'logs2' } }] } })).toEqual([
    { expr: '{a="b"}', tab: '0', source: 'logs2', range_input: '1h' },
  ]);
  expect(of('left', { datasource: 'Far away', queries: [{ expr: 'up' }] })).toEqual([{ expr: 'up', tab: '0', source: 'second', range_input: '1h' }]);
  expect(of('left', ['now-1h', 'now', 'x'])).toEqual([]);
  expect(of('left', null)).toEqual([]);
  expect(queriesOfExplore(new URLSearchParams('left={'))).toEqual([]);
});
