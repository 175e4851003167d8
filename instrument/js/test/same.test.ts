import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';

import express from 'express';

import { Metrics } from '@ausguck/instrument';
import { expressMetrics } from '@ausguck/instrument/express';

import { ask, eventually, listen, send, sorted, value } from './helpers.js';

const testdata = join(import.meta.dirname, '../../testdata');

/** lines reads a file of the Go library, which TestSameAsJS reads too. */
function lines(name: string): string[] {
  return readFileSync(join(testdata, name), 'utf8').trimEnd().split('\n');
}

test('the metrics are those of the Go library for the same requests', async (t) => {
  const metrics = new Metrics();
  const app = express().set('env', 'test'); // prints no errors
  let arrived = false;
  app.use(expressMetrics(metrics));
  app.get('/items/:id', (_req, res) => void res.end('ok'));
  app.all('/items', async (req, res) => {
    for await (const _ of req);
    res.status(202).end('x'.repeat(1000));
  });
  app.get('/boom', () => {
    throw new Error('mistake');
  });
  app.get('/hang', () => {
    arrived = true;
  });
  app.use((_req, res) => void res.status(404).end('404 page not found\n'));
  const port = await listen(t, createServer(app));

  for (const line of lines('traffic.txt').filter((line) => !line.startsWith('#'))) {
    const [method, path, size] = line.split(' ') as [string, string, string?];
    if (path === '/hang') {
      const client = await send(t, port, `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await eventually(() => assert.ok(arrived));
      client.destroy();
    } else {
      const body = 'x'.repeat(Number(size ?? 0));
      await ask(port, method, path, size?.startsWith('+') ? { body: [body] } : { body, headers: { 'content-length': String(body.length) } });
    }
  }
  await eventually(async () => assert.equal(await value(metrics, 'http_requests_in_flight'), 0));

  const got = (await metrics.text())
    .replaceAll('/:id', '/{id}')
    .split('\n')
    .filter((line) => line.includes('http_'))
    .filter((line) => !/^http_request_duration_seconds_sum|^http_response_size_bytes.*route="\/boom"/.test(line))
    .map((line) => line.replace(/^(http_request_duration_seconds_bucket\{.*\}) .*/, '$1'));
  assert.deepEqual(ordered(got), ordered(lines('same.txt')));
});

/** ordered sorts lines and the labels in them: client_golang and prom-client order them differently. */
function ordered(all: string[]): string[] {
  return all.map((line) => line.replace(/^\S+\{.*\}/, sorted)).sort();
}

test('the metrics of the original are there with their labels and buckets', async () => {
  const metrics = new Metrics();
  metrics.httpRequestDuration.observe({ method: 'POST', route: '/webhook', status: '202' }, 0);
  metrics.httpRequestCount.inc({ method: 'POST', route: '/webhook', status: '202' });
  metrics.orchestratorCallDuration.observe(0);
  const text = (await metrics.text()).split('\n').map((line) => line.replace(/^\S+\{.*\}/, sorted));
  for (const line of lines('original.txt')) {
    assert.ok(text.includes(line.replace(/^\S+\{.*\}/, sorted)), `/metrics lacks ${line}`);
  }
  for (const [name, buckets] of [
    ['http_request_duration_seconds', 10],
    ['orchestrator_call_duration_seconds', 8],
  ] as const) {
    assert.equal(text.filter((line) => line.startsWith(`${name}_bucket`)).length, buckets);
  }
  assert.doesNotMatch(await metrics.text(), /ado_webhooks_total/, 'what the service does not use');
  metrics.adoWebhookCount.inc({ event_type: 'git.push', status: 'accepted' });
  assert.equal(metrics.adoWebhookCount, metrics.adoWebhookCount);
  assert.equal(await value(metrics, 'ado_webhooks_total{event_type="git.push",status="accepted"}'), 1);
});
