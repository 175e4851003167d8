import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';

import { Counter, Registry } from 'prom-client';
import { WebSocket, WebSocketServer } from 'ws';

import { Metrics, collectDefaultMetrics, setRoute } from '@ausguck/instrument';

import { ask, eventually, listen, send, seriesOf, value, wantRequests } from './helpers.js';

async function served(t: TestContext, listener: RequestListener, metrics = new Metrics()): Promise<{ metrics: Metrics; port: number }> {
  return { metrics, port: await listen(t, createServer(metrics.handler(listener))) };
}

const series = (status: number | string, route = 'unknown', method = 'GET') => `{method="${method}",route="${route}",status="${status}"}`;

test('a request without a router is unknown', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => res.end('ok'));
  assert.equal((await ask(port, 'GET', '/items/1')).body, 'ok');
  await wantRequests(metrics, { 'GET unknown 200': 1 });
  assert.equal(await value(metrics, `http_request_duration_seconds_count${series(200)}`), 1);
});

test('setRoute names the route, and the last call counts', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => {
    assert.equal(setRoute(res, '/first'), true);
    setRoute(res, '/items/:id');
    res.end();
  });
  await ask(port, 'GET', '/items/1');
  await wantRequests(metrics, { 'GET /items/:id 200': 1 });
  assert.equal(setRoute({}, '/x'), false, 'a response that is not measured has no route');
});

test('methods that are not known are other', async (t) => {
  const { port, metrics } = await served(t, (_req, res) => res.end());
  const more = new Metrics({ methods: ['PURGE'] });
  const second = await served(t, (_req, res) => res.end(), more);
  for (const method of ['HEAD', 'PATCH', 'PURGE', 'MKCOL']) {
    await ask(port, method, '/');
    await ask(second.port, method, '/');
  }
  await wantRequests(metrics, { 'HEAD unknown 200': 1, 'PATCH unknown 200': 1, 'other unknown 200': 2 });
  await wantRequests(more, { 'HEAD unknown 200': 1, 'PATCH unknown 200': 1, 'PURGE unknown 200': 1, 'other unknown 200': 1 });
});

test('informational responses precede the status', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' });
    res.writeHead(418).end();
  });
  await ask(port, 'GET', '/');
  await wantRequests(metrics, { 'GET unknown 418': 1 });
});

test('requests on one connection are counted one by one', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => res.end('ok'));
  const client = await send(t, port, 'GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n');
  let received = '';
  client.on('data', (chunk: Buffer) => (received += chunk.toString()));
  await eventually(() => assert.equal(received.match(/HTTP\/1\.1 200 OK/g)?.length, 2));
  client.write('GET /c HTTP/1.1\r\nHost: x\r\n\r\n');
  await wantRequests(metrics, { 'GET unknown 200': 3 });
});

test('sizes of bodies', async (t) => {
  const { metrics, port } = await served(t, async (req, res) => {
    setRoute(res, req.url!);
    for await (const _ of req);
    res.write('é'); // 2 bytes
    res.write(Buffer.alloc(1000));
    res.end('fff0', 'hex');
  });
  await ask(port, 'POST', '/declared', { body: 'x'.repeat(70) });
  await ask(port, 'POST', '/chunked', { body: ['x'.repeat(3000), 'x'.repeat(2000)] });
  await ask(port, 'POST', '/none');
  for (const [route, size] of Object.entries({ '/declared': 70, '/chunked': 5000, '/none': 0 })) {
    assert.equal(await value(metrics, `http_request_size_bytes_sum{method="POST",route="${route}"}`), size);
    assert.equal(await value(metrics, `http_response_size_bytes_sum{method="POST",route="${route}"}`), 1004);
  }
  assert.equal(await value(metrics, 'http_request_size_bytes_bucket{method="POST",route="/chunked",le="1000"}'), 0);
  assert.equal(await value(metrics, 'http_request_size_bytes_bucket{method="POST",route="/chunked",le="10000"}'), 1);
});

test('what a listener throws counts as 500 and goes on', async (t) => {
  const mistake = new Error('mistake');
  const metrics = new Metrics();
  const before = metrics.handler(() => {
    throw mistake;
  });
  const after = metrics.handler(async (_req, res) => {
    res.writeHead(200).flushHeaders();
    await Promise.reject(mistake);
  });
  const deliberate = metrics.handler(() => {
    throw Object.assign(new Error('no'), { statusCode: 503 });
  });
  const thrown: unknown[] = [];
  const port = await listen(
    t,
    createServer(async (req, res) => {
      try {
        await { '/before': before, '/after': after, '/deliberate': deliberate }[req.url!]!(req, res);
      } catch (error) {
        thrown.push(error);
        res.end();
      }
    })
  );
  await ask(port, 'GET', '/before');
  await ask(port, 'GET', '/after');
  assert.deepEqual(thrown, [mistake, mistake]);
  assert.equal(await value(metrics, 'http_panics_total'), 2);
  await ask(port, 'GET', '/deliberate');
  assert.equal(thrown.length, 3);
  assert.equal(await value(metrics, 'http_panics_total'), 2, 'an error with a status is no panic');
  await wantRequests(metrics, { 'GET unknown 500': 3 });
  assert.equal(await value(metrics, `http_request_duration_seconds_count${series(500)}`), 3);
});

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

for (const [how, leave] of Object.entries({
  closes: (client: Socket) => client.destroy(),
  'half closes': (client: Socket) => client.end(),
  resets: (client: Socket) => client.resetAndDestroy(),
})) {
  for (const { name, answer, status, until = 0 } of [
    { name: 'before any answer', answer: () => {}, status: 499 },
    { name: 'and the handler takes it for an error', status: 499, answer: ((_req, res) => res.on('close', () => res.writeHead(500).end())) as RequestListener },
    { name: 'in the middle of a stream, its usual end', status: 200, until: 1, answer: ((_req, res) => res.write('event 1')) as RequestListener },
    { name: 'while the answer is written', status: 499, until: 1, answer: ((_req, res) => res.end(Buffer.alloc(20e6))) as RequestListener },
    { name: 'while a stream is written', status: 499, until: 1, answer: ((_req, res) => res.write(Buffer.alloc(20e6))) as RequestListener },
    {
      name: 'before the declared length',
      status: 499,
      until: 1,
      answer: ((_req, res) => res.setHeader('Content-Length', 9).write('event 1')) as RequestListener,
    },
  ]) {
    if (how === 'half closes' && name.startsWith('while')) {
      continue; // the client may still read it
    }
    test(`the client ${how} the connection ${name}`, async (t) => {
      let arrived = false;
      const { metrics, port } = await served(t, (req, res) => {
        arrived = true;
        answer(req, res);
      });
      const client = await send(t, port, get);
      if (until > 0) {
        await once(client, 'readable'); // and no more is read
      }
      await eventually(() => assert.ok(arrived));
      assert.equal(await value(metrics, 'http_requests_in_flight'), 1);
      leave(client);
      await wantRequests(metrics, { [`GET unknown ${status}`]: 1 });
      assert.equal(await value(metrics, 'http_panics_total'), 0);
      assert.equal(await value(metrics, `http_request_duration_seconds_count${series(status)}`), 1);
    });
  }
}

test('a client that leaves after the answer got its answer', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => res.end('ok'));
  const client = await send(t, port, get);
  await once(client, 'readable');
  client.resetAndDestroy();
  await wantRequests(metrics, { 'GET unknown 200': 1 });
});

test('a client that leaves while it sends is gone', async (t) => {
  const metrics = new Metrics();
  const handler = metrics.handler(async (req) => {
    for await (const _ of req);
  });
  const errors: unknown[] = [];
  const port = await listen(
    t,
    createServer((req, res) => void Promise.resolve(handler(req, res)).catch((error: unknown) => errors.push(error)))
  );
  const client = await send(t, port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  await eventually(async () => assert.equal(await value(metrics, 'http_requests_in_flight'), 1));
  client.end();
  await wantRequests(metrics, { 'POST unknown 499': 1 });
  assert.match(String(errors), /aborted/);
  assert.equal(await value(metrics, 'http_panics_total'), 0);
});

test('a response that the service breaks off is a 500', async (t) => {
  const { metrics, port } = await served(t, (req, res) => {
    if (req.url === '/timeout') {
      res.setTimeout(20);
    } else if (req.url === '/socket') {
      res.write('half');
      req.socket.destroy();
    } else {
      res.destroy();
    }
  });
  for (const path of ['/', '/socket', '/timeout']) {
    await assert.rejects(ask(port, 'GET', path));
  }
  await wantRequests(metrics, { 'GET unknown 500': 3 });
  assert.equal(await value(metrics, 'http_panics_total'), 0);
});

test('a request that takes too long to arrive is a 408, as the client sees it', async (t) => {
  const metrics = new Metrics();
  const port = await listen(
    t,
    createServer(
      { requestTimeout: 50, connectionsCheckingInterval: 10 },
      metrics.handler(() => {})
    )
  );
  const client = await send(t, port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  const [chunk] = (await once(client, 'data')) as [Buffer];
  assert.match(chunk.toString(), /^HTTP\/1\.1 408 /);
  await wantRequests(metrics, { 'POST unknown 408': 1 });
});

test('a request that was closed before it was measured is not in flight', async (t) => {
  const metrics = new Metrics();
  const handler = metrics.handler(() => {});
  const port = await listen(
    t,
    createServer((req, res) => void res.on('close', () => handler(req, res)))
  );
  const client = await send(t, port, get);
  client.end();
  await wantRequests(metrics, { 'GET unknown 499': 1 });
});

test('streams arrive while they are written', async (t) => {
  let more = () => {};
  const { metrics, port } = await served(t, async (_req, res) => {
    for (let i = 0; i < 3; i++) {
      res.write(`event ${i}\n`);
      await new Promise<void>((resolve) => (more = resolve));
    }
    res.end();
  });
  const client = await send(t, port, get);
  let received = '';
  client.on('data', (chunk: Buffer) => (received += chunk.toString()));
  for (let i = 0; i < 3; i++) {
    await eventually(() => assert.match(received, new RegExp(`event ${i}`)));
    assert.equal(await value(metrics, 'http_requests_in_flight'), 1);
    more();
  }
  await wantRequests(metrics, { 'GET unknown 200': 1 });
  assert.equal(await value(metrics, 'http_response_size_bytes_sum{method="GET",route="unknown"}'), 24);
});

test('a slow reader that gets everything is no aborted request', async (t) => {
  const { metrics, port } = await served(t, async (_req, res) => {
    res.write(Buffer.alloc(5e6));
    await once(res, 'drain');
    res.write('rest'); // the client ends this stream
  });
  const client = await send(t, port, get);
  let received = 0;
  client.on('data', (chunk: Buffer) => (received += chunk.length));
  await eventually(() => assert.ok(received > 5e6 + 4));
  client.end();
  await wantRequests(metrics, { 'GET unknown 200': 1 });
});

test('a connection that is taken over is a 101, and not in flight', async (t) => {
  const metrics = new Metrics();
  const server = createServer(metrics.handler((_req, res) => res.end()));
  const sockets = new WebSocketServer({ noServer: true });
  server.on(
    'upgrade',
    metrics.upgrade(
      (req, socket, head) => sockets.handleUpgrade(req, socket, head, (client) => client.on('message', (m) => client.send(m.toString()))),
      '/echo'
    )
  );
  const port = await listen(t, server);
  const client = new WebSocket(`ws://127.0.0.1:${port}/echo`);
  t.after(() => client.terminate());
  await once(client, 'open');
  client.send('hello');
  const [message] = (await once(client, 'message')) as [Buffer];
  assert.equal(message.toString(), 'hello');
  await wantRequests(metrics, { 'GET /echo 101': 1 });
  assert.deepEqual(await seriesOf(metrics, 'http_request_duration_seconds_count'), []);
});

test('requests in flight', async (t) => {
  const leave: Array<() => void> = [];
  const { metrics, port } = await served(t, (_req, res) => void leave.push(() => res.end()));
  const answers = [1, 2, 3].map(() => ask(port, 'GET', '/'));
  await eventually(async () => assert.equal(await value(metrics, 'http_requests_in_flight'), 3));
  leave.forEach((end) => end());
  await Promise.all(answers);
  await wantRequests(metrics, { 'GET unknown 200': 3 });
});

test('the metrics page is not measured, and is only read', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => res.end('other'));
  const page = await ask(port, 'GET', '/metrics?x=1');
  assert.equal(page.status, 200);
  assert.equal(page.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(page.body, /^# TYPE http_requests_total counter$/m);
  const head = await ask(port, 'HEAD', '/metrics');
  assert.equal(head.body, '');
  assert.ok(Number(head.headers['content-length']) > 1000);
  const post = await ask(port, 'POST', '/metrics');
  assert.equal(post.status, 405);
  assert.equal(post.headers['allow'], 'GET, HEAD');
  assert.equal((await ask(port, 'GET', '/metrics2')).body, 'other');
  await wantRequests(metrics, { 'GET unknown 200': 1 });
});

test('the metrics have a port of their own if they should', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => res.end('mine'), new Metrics({ metricsPath: false }));
  assert.equal((await ask(port, 'GET', '/metrics')).body, 'mine');
  const own = await listen(t, createServer(metrics.serve));
  assert.match((await ask(own, 'GET', '/')).body, /http_requests_total\{method="GET",route="unknown",status="200"\} 1/);
});

test('metrics that cannot be collected do not affect the others', async () => {
  const errors: unknown[] = [];
  const metrics = new Metrics({ onError: (error) => errors.push(error) });
  const broken = new Error('broken');
  new Counter({
    name: 'broken_total',
    help: 'broken',
    registers: [metrics.register],
    collect() {
      throw broken;
    },
  });
  const text = await metrics.text();
  assert.match(text, /^http_requests_in_flight 0$/m);
  assert.doesNotMatch(text, /broken_total/);
  assert.deepEqual(errors, [broken]);
});

test('two services share nothing, and a mistake in the options throws', async (t) => {
  const one = await served(t, (_req, res) => res.end());
  const two = await served(t, (_req, res) => res.end());
  await ask(one.port, 'GET', '/');
  await wantRequests(one.metrics, { 'GET unknown 200': 1 });
  await wantRequests(two.metrics, {});
  assert.throws(() => new Metrics({ buckets: [2, 1] }), /buckets do not rise: 2, 1/);
  assert.throws(() => new Metrics({ register: one.metrics.register }), /already been registered/);
});

test('the metrics of the process are there once', async () => {
  const metrics = new Metrics({ service: 'gateway', version: '1.2.3', revision: 'abc' });
  collectDefaultMetrics({ register: metrics.register }); // as in the original metrics.ts
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_heap_size_used_bytes',
    'nodejs_heap_size_total_bytes',
  ]) {
    assert.deepEqual(await seriesOf(metrics, name), [name]);
  }
  assert.equal(await value(metrics, 'service_info{revision="abc",service="gateway",version="1.2.3"}'), 1);
  const register = new Registry();
  collectDefaultMetrics({ register });
  collectDefaultMetrics({ register });
  assert.match(await register.metrics(), /process_open_fds|process_cpu_seconds_total/);
});

test('a registry that is reset starts again everywhere', async (t) => {
  const { metrics, port } = await served(t, (_req, res) => res.end('ok'));
  await ask(port, 'GET', '/');
  await wantRequests(metrics, { 'GET unknown 200': 1 });
  metrics.register.resetMetrics();
  assert.equal(await value(metrics, 'http_response_size_bytes_count{method="GET",route="unknown"}'), 0);
  await ask(port, 'GET', '/');
  assert.equal(await value(metrics, 'http_response_size_bytes_sum{method="GET",route="unknown"}'), 2);
  await wantRequests(metrics, { 'GET unknown 200': 1 });
});
