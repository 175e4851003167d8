import { dateTime, LoadingState, type DataQueryRequest } from '@grafana/data';
import { setBackendSrv, type BackendSrv } from '@grafana/runtime';
import { firstValueFrom, of, throwError, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import { askServer } from './server';

const request = { requestId: 'Q1', range: { from: dateTime(0), to: dateTime(1000), raw: { from: 'a', to: 'b' } } } as DataQueryRequest;
const queries = [{ refId: 'A' }, { refId: 'B' }];
const results = {
  A: { status: 200, frames: [{ schema: { fields: [{ name: 'v', type: 'number' }] }, data: { values: [[1]] } }] },
  B: { status: 400, error: 'no such function' },
};

function ask(answer: Observable<unknown>) {
  setBackendSrv({ fetch: () => answer } as unknown as BackendSrv);
  return firstValueFrom(askServer(request, queries));
}

test('a server that is gone is an error and not an answer without data', async () => {
  for (const err of [
    { message: 'Ausguck cannot be reached since 10:00' },
    { status: 502, data: 'bad gateway', statusText: 'Bad Gateway' },
    new Error('broken'),
  ]) {
    const response = await ask(throwError(() => err));
    expect(response.state).toBe(LoadingState.Error);
    expect(response.errors?.[0].message).toMatch(/cannot be reached since 10:00|Bad Gateway|broken/);
  }
});

test('a query that fails leaves the others', async () => {
  for (const answer of [of({ status: 207, data: { results } }), throwError(() => ({ status: 400, data: { results } }))]) {
    const response = await ask(answer);
    expect(response.data).toHaveLength(1);
    expect(response.errors).toMatchObject([{ refId: 'B', message: 'no such function' }]);
  }
});

test('who cancels gets no answer', async () => {
  await expect(ask(throwError(() => ({ cancelled: true })))).rejects.toMatchObject({ cancelled: true });
});
