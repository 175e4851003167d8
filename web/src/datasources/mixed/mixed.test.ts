import { LoadingState, type DataQueryRequest, type DataQueryResponse, type DataSourceInstanceSettings } from '@grafana/data';
import { setDataSourceSrv, type DataSourceSrv } from '@grafana/runtime';
import type { DataQuery, DataSourceRef } from '@grafana/schema';
import { concat, NEVER, of, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import { MixedDatasource } from './MixedDatasource';

const names = (r: DataQueryResponse) => r.data.map((frame) => (frame as { name: string }).name);

function ask(sources: Record<string, (targets: DataQuery[]) => Observable<DataQueryResponse>>, targets: unknown[]): DataQueryResponse[] {
  setDataSourceSrv({
    get: async (ref?: DataSourceRef) => ({ query: (r: DataQueryRequest) => sources[ref?.uid ?? 'default']!(r.targets) }),
  } as unknown as DataSourceSrv);
  const seen: DataQueryResponse[] = [];
  new MixedDatasource({} as DataSourceInstanceSettings).query({ requestId: 'Q1', targets } as unknown as DataQueryRequest).subscribe((r) => seen.push(r));
  return seen;
}

const answer = (targets: DataQuery[]) => of({ data: targets.map((t) => ({ name: t.refId })) });

test('a query without a source goes to the default one', async () => {
  const seen = ask({ one: answer, default: answer }, [
    { refId: 'A', datasource: { uid: 'one' } },
    { refId: 'B' },
    { refId: 'C', datasource: { uid: '-- Mixed --' } },
  ]);
  await expect.poll(() => seen.length).toBe(1);
  expect(names(seen[0]!)).toEqual(['A', 'B', 'C']);
});

test('an answer without an end, such as another panel has, does not keep the others', async () => {
  const panel = (targets: DataQuery[]) =>
    concat(
      of({ data: [], state: LoadingState.Loading }),
      of({ data: targets.map((t) => ({ name: `panel ${(t as { panelId?: number }).panelId}` })), state: LoadingState.Done }),
      NEVER
    );
  const seen = ask({ one: answer, dashboard: panel }, [
    { refId: 'A', datasource: { uid: 'one' } },
    { refId: 'B', panelId: 3, datasource: { uid: 'dashboard' } },
    { refId: 'C', panelId: 4, datasource: { uid: 'dashboard' } },
  ]);
  await expect.poll(() => seen.at(-1)?.data.length).toBe(3);
  expect(names(seen.at(-1)!)).toEqual(['A', 'panel 3', 'panel 4']);
  expect(seen.at(-1)!.state).not.toBe(LoadingState.Loading);
});

test('packets of one source are all kept', async () => {
  const streaming = () => of({ key: 'A', data: [{ name: 'A' }] }, { key: 'B', data: [{ name: 'B' }] });
  const seen = ask({ one: streaming }, [
    { refId: 'A', datasource: { uid: 'one' } },
    { refId: 'B', datasource: { uid: 'one' } },
  ]);
  await expect.poll(() => seen.length).toBe(2);
  expect(names(seen.at(-1)!)).toEqual(['A', 'B']);
});
