import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { Metrics, routeOverflow, setRoute } from '@ausguck/instrument';

import { ask, listen, seriesOf, value, wantRequests } from './helpers.js';

/** count counts a request without a server. */
function count(metrics: Metrics, method: string, route: string, status: number): void {
  metrics.sink.count(method, route, status, 0, 0, 0);
}

test('10,000 random paths are one series', async (t) => {
  const metrics = new Metrics();
  const port = await listen(t, createServer(metrics.handler((_req, res) => res.writeHead(404).end())));
  const paths = Array.from({ length: 10_000 }, () => `/${randomBytes(8).toString('hex')}`);
  const worker = async () => {
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
      await ask(port, 'GET', path);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  await wantRequests(metrics, { 'GET unknown 404': 10_000 });
});

test('series are capped, whatever a handler names', async (t) => {
  const metrics = new Metrics({ maxSeries: 10 });
  // The handler has the mistake that the limit protects against.
  const port = await listen(
    t,
    createServer(
      metrics.handler((req, res) => {
        setRoute(res, req.url!);
        res.statusCode = req.method === 'DELETE' ? 503 : 200;
        res.end();
      })
    )
  );
  for (let i = 0; i < 500; i++) {
    await ask(port, 'GET', `/scan/${i}`);
  }
  assert.equal((await seriesOf(metrics, 'http_requests_total')).length, 11, '10 and the overflow');
  for (const suffix of ['count', 'sum']) {
    assert.equal((await seriesOf(metrics, `http_request_duration_seconds_${suffix}`)).length, 11);
    assert.equal((await seriesOf(metrics, `http_response_size_bytes_${suffix}`)).length, 11);
  }
  assert.equal(await value(metrics, `http_requests_total{method="GET",route="${routeOverflow}",status="200"}`), 490);
  assert.equal(await value(metrics, 'http_requests_overflow_total'), 490);

  // Existing series continue, and overflow keeps method and status.
  await ask(port, 'GET', '/scan/0');
  await ask(port, 'DELETE', '/scan/new');
  assert.equal(await value(metrics, 'http_requests_total{method="GET",route="/scan/0",status="200"}'), 2);
  assert.equal(await value(metrics, `http_requests_total{method="DELETE",route="${routeOverflow}",status="503"}`), 1);
});

test('the overflow is bounded itself', async () => {
  const metrics = new Metrics({ maxSeries: 1 });
  for (let status = 200; status < 1000; status++) {
    count(metrics, `M${status}`, `/${status}`, status);
  }
  const all = await seriesOf(metrics, 'http_requests_total');
  assert.ok(all.length <= 80, `${all.length} series`);
  assert.equal(await value(metrics, 'http_requests_total{method="other",route="overflow",status="499"}'), 1);
  assert.ok((await value(metrics, 'http_requests_total{method="other",route="overflow",status="5xx"}'))! > 80);
  const values = await Promise.all(all.map((series) => value(metrics, series)));
  assert.equal(
    values.reduce((sum, n) => sum! + n!, 0),
    800
  );
});

test('statuses are exact below the cap', async () => {
  const metrics = new Metrics();
  count(metrics, 'GET', '/x', 599);
  assert.equal(await value(metrics, 'http_requests_total{method="GET",route="/x",status="599"}'), 1);
});

test('no label breaks the page', async () => {
  const metrics = new Metrics();
  const routes = ['unknown', '', 'overflow', '/"\\\n{}', '/\ud800', '/\udfff', '/é', '__proto__', 'constructor'];
  for (const route of routes) {
    count(metrics, '__proto__', route, 200);
  }
  const all = await seriesOf(metrics, 'http_requests_total');
  assert.equal(new Set(all).size, all.length, 'a series twice');
  assert.equal(all.length, routes.length - 2, 'two names of unknown, and two routes that are no UTF-8');
  assert.equal(await value(metrics, 'http_requests_total{method="other",route="/\ufffd",status="200"}'), 2);
  assert.equal(await value(metrics, 'http_requests_total{method="other",route="/\\"\\\\\\n{}",status="200"}'), 1);
});
