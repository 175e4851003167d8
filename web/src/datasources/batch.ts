import type { DataQuery } from '@grafana/schema';
import { getBackendSrv, type BackendDataSourceResponse, type BackendSrvRequest, type FetchError, type FetchResponse } from '@grafana/runtime';
import { Observable, type Subscriber, type Subscription } from 'rxjs';

import { linesOf } from './lines';

/** The body of a request to /api/ds/query. */
export interface QueryBody {
  from: string;
  to: string;
  queries: DataQuery[];
}

type Answer = FetchResponse<BackendDataSourceResponse | undefined>;

/**
 * How long the first request of a batch waits for others, in milliseconds: panels that become visible together send
 * their requests within a few of them.
 */
const gathering = 8;

/** The server's limits for queries per request and for requests per batch. */
const mostQueries = 200;
const mostRequests = 100;

interface Member {
  body: QueryBody;
  subscriber: Subscriber<Answer>;
  settled: boolean;
}

let gathered: Member[] = [];

/**
 * Queries /api/ds/query. Requests made at about the same time are combined into one request to /api/ausguck/query; each
 * gets its own response or error as soon as it arrives, as if it had been sent by itself. Unsubscribing also cancels
 * the request on the server.
 */
export function askTogether(body: QueryBody): Observable<Answer> {
  return new Observable((subscriber) => {
    const member: Member = { body, subscriber, settled: false };
    if (gathered.length === 0) {
      setTimeout(depart, gathering);
    }
    gathered.push(member);
    return () => {
      gathered = gathered.filter((m) => m !== member);
    };
  });
}

function depart() {
  const all = gathered;
  gathered = [];
  for (const members of batchesOf(all)) {
    members.length === 1 ? sendAlone(members[0]!) : sendTogether(members);
  }
}

function batchesOf(members: Member[]): Member[][] {
  const batches: Member[][] = [];
  let room = 0;
  for (const member of members) {
    const last = batches.at(-1);
    room -= member.body.queries.length;
    if (last && room >= 0 && last.length < mostRequests) {
      last.push(member);
    } else {
      batches.push([member]);
      room = mostQueries - member.body.queries.length;
    }
  }
  return batches;
}

function sendAlone({ body, subscriber }: Member) {
  subscriber.add(getBackendSrv().fetch<BackendDataSourceResponse | undefined>(requestOf('/api/ds/query', body)).subscribe(subscriber));
}

function sendTogether(members: Member[]) {
  const id = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const config = requestOf('/api/ausguck/query', { id, requests: members.map((m) => m.body) });
  const parse = linesOf();
  const soon = oneByOne();
  const left = () => members.filter((m) => !m.settled);
  const fail = (err: unknown) => left().forEach((m) => settle(m, () => m.subscriber.error(err)));
  let answering: Subscription | undefined;
  let gone: number[] = [];
  const leave = (member: Member, i: number) => {
    if (member.settled) {
      return;
    }
    member.settled = true;
    if (left().length === 0) {
      answering?.unsubscribe();
    } else if (gone.push(i) === 1) {
      // Leaving a page removes its panels one by one; requests are canceled individually only if some panels remain.
      setTimeout(() => {
        if (left().length > 0) {
          cancel(id, gone);
        }
        gone = [];
      });
    }
  };
  members.forEach((member, i) => member.subscriber.add(() => leave(member, i)));
  answering = getBackendSrv()
    .chunked(config)
    .subscribe({
      next: (part) =>
        parse(part.data).forEach((line) =>
          soon(() => {
            const { request, status, body } = read(line);
            const member = members[request];
            if (member && !member.settled) {
              settle(member, () => tell(member.subscriber, { ...part, config, status, ok: status < 300, data: body }));
            }
          })
        ),
      error: (err) => soon(() => fail(err)),
      complete: () => soon(() => fail(failure('The response ended before it was complete', config))),
    });
}

/** Renders one panel before the next one receives its response: all at once would block the page. */
function oneByOne() {
  const steps: Array<() => void> = [];
  let busy = false;
  const next = () => {
    const step = steps.shift();
    busy = step !== undefined;
    if (step && document.hidden) {
      // Nobody is watching a hidden page, where timers only fire once per second or minute.
      step();
      next();
    } else if (step) {
      setTimeout(next);
      step();
    }
  };
  return (step: () => void) => {
    steps.push(step);
    if (!busy) {
      next();
    }
  };
}

/**
 * A line that is not JSON comes from a proxy between the page and the server; the missing end is reported when the
 * response ends.
 */
function read(line: string): { request: number; status: number; body?: BackendDataSourceResponse } {
  try {
    return JSON.parse(line);
  } catch {
    return { request: -1, status: 0 };
  }
}

function failure(message: string, config: BackendSrvRequest): FetchError {
  return { status: 0, statusText: message, message, data: { message }, config } as FetchError;
}

function settle(member: Member, tellIt: () => void) {
  member.settled = true;
  tellIt();
}

function tell(subscriber: Subscriber<Answer>, answer: Answer) {
  if (answer.ok) {
    subscriber.next(answer);
    subscriber.complete();
    return;
  }
  const { message = answer.statusText } = (answer.data ?? {}) as { message?: string };
  const err: FetchError = { ...answer, message };
  subscriber.error(err);
}

/** The other requests of the batch continue. It is no error if the response arrived before the cancellation. */
function cancel(id: string, request: number[]) {
  getBackendSrv()
    .fetch({ url: `/api/ausguck/query/${id}`, params: { request }, method: 'DELETE', showErrorAlert: false })
    .subscribe({ error: () => undefined });
}

function requestOf(url: string, data: unknown): BackendSrvRequest {
  return { url, method: 'POST', data, showErrorAlert: false };
}
