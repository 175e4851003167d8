import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, type Server, request } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Metrics } from '@ausguck/instrument';

/** listen starts a server on loopback, which ends with the test, and returns its port. */
export async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** ask sends a request and reads the whole answer. */
export async function ask(
  port: number,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | string[] } = {}
): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, method, path, headers });
  for (const chunk of Array.isArray(body) ? body : []) {
    sent.write(chunk); // of unknown length: chunked
  }
  sent.end(typeof body === 'string' ? body : undefined);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk;
  }
  return { status: answer.statusCode!, headers: answer.headers, body: text };
}

/** send opens a connection of its own and sends a request as it is; the test ends the connection. */
export async function send(t: TestContext, port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {}); // the test resets connections
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** value returns the value of a series, whose labels are in any order, undefined if it does not exist. */
export async function value(metrics: Metrics, series: string): Promise<number | undefined> {
  for (const line of (await metrics.text()).split('\n')) {
    const space = line.lastIndexOf(' ');
    if (space > 0 && sorted(line.slice(0, space)) === sorted(series)) {
      return Number(line.slice(space + 1));
    }
  }
  return undefined;
}

/** seriesOf returns all series of a name without their values. */
export async function seriesOf(metrics: Metrics, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.map((line) => sorted(line.slice(0, line.lastIndexOf(' '))));
}

/** sorted returns a series with its labels in alphabetical order. */
export function sorted(series: string): string {
  const [name, labels] = series.split(/\{(.*)\}$/s);
  return labels === undefined
    ? series
    : `${name}{${
        labels
          .match(/\w+="(?:[^"\\]|\\.)*"/g)
          ?.sort()
          .join(',') ?? ''
      }}`;
}

/** wantRequests requires that exactly these requests have been counted, as `GET /route 200`, and that none is in flight. */
export async function wantRequests(metrics: Metrics, want: Record<string, number>): Promise<void> {
  await eventually(async () => {
    const got: Record<string, number> = {};
    for (const series of await seriesOf(metrics, 'http_requests_total')) {
      const [, method, route, status] = /method="(.*)",route="(.*)",status="(.*)"/.exec(series)!;
      got[`${method} ${route} ${status}`] = (await value(metrics, series))!;
    }
    assert.deepEqual(got, want);
    assert.equal(await value(metrics, 'http_requests_in_flight'), 0, 'requests in flight');
  });
}

/** eventually waits until check no longer throws. */
export async function eventually(check: () => Promise<void> | void): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        throw error;
      }
    }
    await sleep(2);
  }
}
