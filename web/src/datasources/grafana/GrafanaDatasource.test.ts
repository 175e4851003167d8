import { dateTime, type DataQueryRequest, type DataSourceInstanceSettings } from '@grafana/data';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';

import { GrafanaDatasource } from './GrafanaDatasource';

const source = new GrafanaDatasource({ uid: 'grafana', type: 'datasource' } as DataSourceInstanceSettings);

function ask(...targets: Array<Record<string, unknown>>) {
  const range = { from: dateTime(0), to: dateTime(60_000), raw: { from: 'now-1m', to: 'now' } };
  return firstValueFrom(source.query({ targets, range, intervalMs: 1000 } as unknown as DataQueryRequest<never>));
}

const frame = {
  schema: {
    name: 'sold',
    fields: [
      { name: 'fruit', type: 'string' },
      { name: 'count', type: 'number', labels: { shop: 'a' } },
    ],
  },
  data: {
    values: [
      ['apple', 'pear'],
      [3, null],
    ],
  },
};

test('a snapshot has the frames that its dashboard carries', async () => {
  const { data } = await ask({ refId: 'B', queryType: 'snapshot', snapshot: [frame, frame] });
  expect(data).toHaveLength(2);
  expect(data[0]).toMatchObject({ refId: 'B', name: 'sold', length: 2 });
  expect(data[0].fields.map((f: { values: unknown[] }) => f.values)).toEqual([
    ['apple', 'pear'],
    [3, null],
  ]);
});

test('queries of several types answer side by side, and hidden ones do not', async () => {
  const { data } = await ask({ refId: 'A' }, { refId: 'B', queryType: 'snapshot', snapshot: [frame] }, { refId: 'C', hide: true });
  expect(data.map((f) => f.refId)).toEqual(['A', 'B']);
});

test('a snapshot without frames is empty', async () => expect((await ask({ refId: 'A', queryType: 'snapshot' })).data).toEqual([]));

test('what it cannot answer is said', () => {
  expect(() => source.query({ targets: [{ refId: 'A', queryType: 'measurements' }] } as never)).toThrow(/measurements/);
});
