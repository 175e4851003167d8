import { setBackendSrv, type BackendSrv, type BackendSrvRequest } from '@grafana/runtime';
import { Observable, Subject, type Subscription } from 'rxjs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { askTogether } from './batch';

interface Sent {
  options: BackendSrvRequest;
  answer: Subject<unknown>;
  aborted: boolean;
}

let sent: Sent[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  const send = (options: BackendSrvRequest) =>
    new Observable<unknown>((subscriber) => {
      const one: Sent = { options, answer: new Subject(), aborted: false };
      sent.push(one);
      one.answer.subscribe(subscriber);
      return () => {
        one.aborted = true;
      };
    });
  setBackendSrv({ fetch: send, chunked: send } as unknown as BackendSrv);
});
afterEach(() => vi.useRealTimers());

/** Sends a panel's request with a number of queries and records what it receives. */
function panel(name: string, queries = 1) {
  const told: unknown[] = [];
  const asking: Subscription = askTogether({
    from: '0',
    to: '1',
    queries: Array.from({ length: queries }, (_, i) => ({ refId: `${name}${i}` })),
  }).subscribe({
    next: ({ status, data }) => told.push([status, data]),
    error: ({ status, message, cancelled }) => told.push({ status, message, ...(cancelled && { cancelled }) }),
    complete: () => told.push('end'),
  });
  return { told, asking };
}

const depart = () => vi.advanceTimersByTime(100);
const part = (text: string) => ({ status: 200, statusText: 'OK', data: new TextEncoder().encode(text) });
const line = (request: number, status: number, body: object) => `${JSON.stringify({ request, status, body })}\n`;
const posted = () => sent.filter(({ options }) => options.method === 'POST');
const deleted = () => sent.filter(({ options }) => options.method === 'DELETE').map(({ options }) => options.params);

test('what is asked alone is an ordinary request', () => {
  const { told, asking } = panel('a');
  depart();
  expect(sent[0]!.options).toMatchObject({
    url: '/api/ds/query',
    method: 'POST',
    data: { from: '0', to: '1', queries: [{ refId: 'a0' }] },
    showErrorAlert: false,
  });
  sent[0]!.answer.next({ status: 200, data: { results: {} } });
  sent[0]!.answer.complete();
  expect(told).toEqual([[200, { results: {} }], 'end']);
  const other = panel('b');
  depart();
  other.asking.unsubscribe();
  asking.unsubscribe();
  expect(sent[1]!.aborted).toBe(true);
});

test('what is asked together is one request, and each has its answer when it is there', () => {
  const panels = ['a', 'b', 'c'].map((name) => panel(name));
  depart();
  expect(sent).toHaveLength(1);
  expect(sent[0]!.options).toMatchObject({
    url: '/api/ausguck/query',
    data: { requests: [{ queries: [{ refId: 'a0' }] }, { queries: [{ refId: 'b0' }] }, {}] },
  });
  const lines = line(2, 207, { results: { c0: {} } }) + line(0, 400, { message: 'refused', results: {} });
  sent[0]!.answer.next(part(lines.slice(0, 60)));
  sent[0]!.answer.next(part(lines.slice(60)));
  // Each panel can render before the next one gets its response.
  expect(panels.map((p) => p.told.length)).toEqual([0, 0, 2]);
  vi.advanceTimersByTime(10);
  expect(panels.map((p) => p.told)).toEqual([[{ status: 400, message: 'refused' }], [], [[207, { results: { c0: {} } }], 'end']]);
  sent[0]!.answer.next(part(line(1, 200, {}) + line(7, 200, {})));
  sent[0]!.answer.complete();
  vi.advanceTimersByTime(10);
  expect(panels[1]!.told).toEqual([[200, {}], 'end']);
  expect(deleted()).toEqual([]);
});

test('in a tab that nobody sees all have their answers at once', () => {
  const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  const panels = ['a', 'b', 'c'].map((name) => panel(name));
  depart();
  sent[0]!.answer.next(part([0, 1, 2].map((i) => line(i, 200, {})).join('')));
  hidden.mockRestore();
  expect(panels.map((p) => p.told.length)).toEqual([2, 2, 2]);
});

test('one that is not wanted any more is cancelled alone', () => {
  const panels = ['a', 'b', 'c', 'd'].map((name) => panel(name));
  depart();
  const [batch] = posted();
  panels[0]!.asking.unsubscribe();
  panels[2]!.asking.unsubscribe();
  depart();
  expect(batch!.aborted).toBe(false);
  expect(deleted()).toEqual([{ request: [0, 2] }]);
  expect(sent[1]!.options.url).toBe(`/api/ausguck/query/${(batch!.options.data as { id: string }).id}`);
  batch!.answer.next(part(line(0, 200, {}) + line(1, 200, {})));
  vi.advanceTimersByTime(10);
  expect(panels.map((p) => p.told.length)).toEqual([0, 2, 0, 0]);
  panels[3]!.asking.unsubscribe();
  expect(batch!.aborted).toBe(true);
});

test('a batch that nobody wants any more is aborted, and nothing else is sent', () => {
  const panels = ['a', 'b', 'c'].map((name) => panel(name));
  depart();
  panels.forEach((p) => p.asking.unsubscribe());
  depart();
  expect(posted()[0]!.aborted).toBe(true);
  expect(sent).toHaveLength(1);
});

test('what is not wanted before it is sent is not sent', () => {
  const [a] = [panel('a'), panel('b')];
  a.asking.unsubscribe();
  depart();
  expect(sent.map(({ options }) => options.url)).toEqual(['/api/ds/query']);
  expect((sent[0]!.options.data as { queries: object[] }).queries).toEqual([{ refId: 'b0' }]);
});

test('an answer that fails or ends too early is an error of those that have none', () => {
  for (const end of [(s: Sent) => s.answer.error({ status: 0, message: 'gone' }), (s: Sent) => s.answer.complete()]) {
    sent = [];
    const panels = ['a', 'b'].map((name) => panel(name));
    depart();
    sent[0]!.answer.next(part('<html>\n' + line(0, 200, {}) + '{"request":1,"sta'));
    end(sent[0]!);
    vi.advanceTimersByTime(10);
    expect(panels[0]!.told).toEqual([[200, {}], 'end']);
    expect(panels[1]!.told).toEqual([{ status: 0, message: expect.stringMatching(/gone|ended before/) }]);
  }
});

test('a batch holds no more than the server takes', () => {
  const panels = [panel('a', 150), panel('b', 50), panel('c', 1), ...Array.from({ length: 100 }, () => panel('d'))];
  depart();
  expect(sent.map(({ options }) => (options.data as { requests?: object[] }).requests?.length ?? 1)).toEqual([2, 100, 1]);
  panels.forEach((p) => p.asking.unsubscribe());
});
