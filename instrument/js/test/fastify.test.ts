import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHTTP2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';

import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { WebSocket } from 'ws';

import { Metrics } from '@ausguck/instrument';
import { fastifyMetrics } from '@ausguck/instrument/fastify';

import { ask, eventually, send, seriesOf, value, wantRequests } from './helpers.js';

async function served(
  t: TestContext,
  routes: (app: FastifyInstance) => void,
  { metrics = new Metrics(), ...options }: FastifyServerOptions & { metrics?: Metrics } = {}
): Promise<{ metrics: Metrics; port: number; app: FastifyInstance }> {
  const app = Fastify({ forceCloseConnections: true, ...options });
  app.register(fastifyMetrics, { metrics });
  routes(app);
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  return { metrics, app, port: (app.server.address() as AddressInfo).port };
}

test('routes are patterns, with prefixes and in encapsulated plugins', async (t) => {
  const { metrics, port } = await served(t, (app) => {
    app.get('/items/:id', async () => 'item');
    app.get('/files/*', async () => 'file');
    app.register(
      async (api) => {
        api.setNotFoundHandler((_request, reply) => void reply.code(404).send('mine'));
        api.get('/', async () => 'root');
        api.register(async (users) => users.get('/users/:user/posts/:post', async () => 'post'), { prefix: '/v:version' });
      },
      { prefix: '/api/:tenant' }
    );
  });
  for (const [method, path, status] of [
    ['GET', '/items/1?q=1', 200],
    ['GET', '/items/2', 200],
    ['HEAD', '/items/2', 200],
    ['DELETE', '/items/2', 404],
    ['GET', '/files/a/b/c', 200],
    ['GET', '/api/acme', 200],
    ['GET', '/api/acme/v2/users/7/posts/8', 200],
    ['GET', '/api/acme/nothing', 404],
    ['GET', '/wp-login.php', 404],
    ['GET', '/items/%zz', 400], // before any hook
  ] as const) {
    assert.equal((await ask(port, method, path)).status, status, path);
  }
  await wantRequests(metrics, {
    'GET /items/:id 200': 2,
    'HEAD /items/:id 200': 1,
    'DELETE unknown 404': 1,
    'GET /files/* 200': 1,
    'GET /api/:tenant 200': 1,
    'GET /api/:tenant/v:version/users/:user/posts/:post 200': 1,
    'GET unknown 404': 2,
  });
  assert.equal(await value(metrics, 'http_request_duration_seconds_count{method="GET",route="/items/:id",status="200"}'), 2);
  assert.equal(await value(metrics, 'http_response_size_bytes_sum{method="GET",route="/items/:id"}'), 8);
});

test('what a handler throws is a 500, and a panic unless it has a status', async (t) => {
  const { metrics, port } = await served(t, (app) => {
    app.get('/throws', async () => {
      throw new Error('mistake');
    });
    app.get('/deliberate', async () => {
      throw Object.assign(new Error('no'), { statusCode: 503 });
    });
    app.get('/late', (_request, reply) => {
      const stream = new Readable({ read() {} });
      stream.push('half');
      void reply.send(stream);
      setImmediate(() => stream.destroy(new Error('mistake')));
    });
    app.post('/validated', { schema: { body: { type: 'object', required: ['a'] } } }, async () => 'ok');
    app.register(async (own) => {
      own.setErrorHandler((_error, _request, reply) => void reply.code(422).send('handled'));
      own.get('/handled', async () => {
        throw new Error('mistake');
      });
    });
    app.register(async (own) => {
      own.setErrorHandler((_error, _request, reply) => void reply.code(500).send('my page'));
      own.get('/page', async () => {
        throw new Error('mistake');
      });
    });
  });
  assert.equal((await ask(port, 'GET', '/throws')).status, 500);
  assert.equal(await value(metrics, 'http_panics_total'), 1);
  assert.equal((await ask(port, 'GET', '/deliberate')).status, 503);
  assert.equal((await ask(port, 'GET', '/handled')).body, 'handled');
  assert.equal((await ask(port, 'POST', '/validated', { body: '{}', headers: { 'content-type': 'application/json' } })).status, 400);
  assert.equal(await value(metrics, 'http_panics_total'), 1);
  assert.equal((await ask(port, 'GET', '/page')).body, 'my page');
  assert.equal(await value(metrics, 'http_panics_total'), 2);
  await assert.rejects(ask(port, 'GET', '/late'));
  await wantRequests(metrics, {
    'GET /throws 500': 1,
    'GET /deliberate 503': 1,
    'GET /handled 422': 1,
    'POST /validated 400': 1,
    'GET /page 500': 1,
    'GET /late 500': 1,
  });
});

test('the handler that exceeds its time limit', async (t) => {
  const { metrics, port } = await served(t, (app) => app.get('/slow', { handlerTimeout: 20 }, () => new Promise(() => {})));
  assert.equal((await ask(port, 'GET', '/slow')).status, 503);
  await wantRequests(metrics, { 'GET /slow 503': 1 });
  assert.equal(await value(metrics, 'http_panics_total'), 0);
});

test('clients that leave', async (t) => {
  let arrived = 0;
  const { metrics, port } = await served(t, (app) => {
    app.get('/hang/:id', () => {
      arrived++;
      return new Promise(() => {});
    });
    app.post('/upload/:id', async () => 'ok');
    app.get('/events', (_request, reply) => {
      reply.hijack();
      reply.raw.write('event');
    });
  });
  const hang = await send(t, port, 'GET /hang/1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually(() => assert.equal(arrived, 1));
  hang.destroy();
  const upload = await send(t, port, 'POST /upload/1 HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf');
  await eventually(async () => assert.equal(await value(metrics, 'http_requests_in_flight'), 1));
  upload.resetAndDestroy();
  const events = await send(t, port, 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(events, 'readable');
  events.destroy();
  await wantRequests(metrics, { 'GET /hang/:id 499': 1, 'POST /upload/:id 499': 1, 'GET /events 200': 1 });
  assert.equal(await value(metrics, 'http_panics_total'), 0);
});

test('a client that leaves while another hook delays the request', async (t) => {
  const app = Fastify({ forceCloseConnections: true });
  const metrics = new Metrics();
  app.addHook('onRequest', async (_request, reply) => {
    await once(reply.raw, 'close');
  });
  app.register(fastifyMetrics, { metrics });
  app.get('/items/:id', async () => 'item');
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  const client = await send(t, (app.server.address() as AddressInfo).port, 'GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n');
  client.end();
  await wantRequests(metrics, { 'GET /items/:id 499': 1 });
});

test('a websocket is a 101, and not in flight', async (t) => {
  const { metrics, port } = await served(t, (app) => {
    app.register(websocket);
    app.register(async (sockets) => {
      sockets.get('/echo/:room', { websocket: true }, (socket) => void socket.on('message', (m: Buffer) => socket.send(m.toString())));
      sockets.get('/refused', { websocket: true, preValidation: (_request, reply) => void reply.code(401).send('no') }, () => {});
    });
  });
  const client = new WebSocket(`ws://127.0.0.1:${port}/echo/1`);
  t.after(() => client.terminate());
  await once(client, 'open');
  client.send('hello');
  assert.equal(String((await once(client, 'message'))[0]), 'hello');
  await wantRequests(metrics, { 'GET /echo/:room 101': 1 });
  assert.deepEqual(await seriesOf(metrics, 'http_request_duration_seconds_count'), []);
  client.close();
  await once(client, 'close');
  const refused = new WebSocket(`ws://127.0.0.1:${port}/refused`);
  await once(refused, 'error');
  await wantRequests(metrics, { 'GET /echo/:room 101': 1, 'GET /refused 401': 1 });
});

test('10,000 random paths are as many series as one', async (t) => {
  const { metrics, app } = await served(t, (app) => {
    app.get('/items/:id', async () => 'item');
  });
  for (let i = 0; i < 5_000; i++) {
    const random = randomBytes(8).toString('hex');
    await app.inject(`/items/${random}`);
    await app.inject(`/${random}`);
  }
  await wantRequests(metrics, { 'GET /items/:id 200': 5_000, 'GET unknown 404': 5_000 });
});

test('the metrics page is not measured', async (t) => {
  const { metrics, port } = await served(t, (app) => {
    app.get('/items/:id', async () => 'item');
  });
  await ask(port, 'GET', '/items/1');
  for (let i = 0; i < 2; i++) {
    const page = await ask(port, 'GET', '/metrics');
    assert.equal(page.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(page.body, /^http_requests_in_flight 0$/m);
    assert.match(page.body, /^http_requests_total\{method="GET",route="\/items\/:id",status="200"\} 1$/m);
  }
  assert.equal((await ask(port, 'HEAD', '/metrics')).status, 200);
  await wantRequests(metrics, { 'GET /items/:id 200': 1 });
});

test('the metrics page can be elsewhere', async (t) => {
  const { port } = await served(t, () => {}, { metrics: new Metrics({ metricsPath: '/internal/metrics' }) });
  assert.equal((await ask(port, 'GET', '/internal/metrics')).status, 200);
  const { port: without } = await served(t, () => {}, { metrics: new Metrics({ metricsPath: false }) });
  assert.equal((await ask(without, 'GET', '/metrics')).status, 404);
});

test('HTTP/2', async (t) => {
  const metrics = new Metrics();
  const app = Fastify({ http2: true });
  app.register(fastifyMetrics, { metrics });
  app.get('/items/:id', async () => 'item');
  app.post('/items', async (request) => request.body);
  app.get('/hang', () => new Promise(() => {}));
  app.get('/late', (_request, reply) => {
    const stream = new Readable({ read() {} });
    stream.push('half');
    void reply.send(stream);
    setImmediate(() => stream.destroy(new Error('mistake')));
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const session = connectHTTP2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
  t.after(() => {
    session.destroy();
    return app.close();
  });
  const stream = session.request({ ':path': '/items/1' });
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    body += chunk;
  }
  assert.equal(body, 'item');
  assert.equal(await value(metrics, 'http_response_size_bytes_sum{method="GET",route="/items/:id"}'), 4);
  const post = session.request({ ':path': '/items', ':method': 'POST', 'content-type': 'text/plain' });
  post.end('x'.repeat(70));
  await once(post.resume(), 'close');
  assert.equal(await value(metrics, 'http_request_size_bytes_sum{method="POST",route="/items"}'), 70);
  const hang = session.request({ ':path': '/hang' });
  await eventually(async () => assert.equal(await value(metrics, 'http_requests_in_flight'), 1));
  hang.close(8); // CANCEL
  const late = session.request({ ':path': '/late' });
  late.on('error', () => {}).resume();
  await once(late, 'close');
  await wantRequests(metrics, { 'GET /items/:id 200': 1, 'POST /items 200': 1, 'GET /hang 499': 1, 'GET /late 500': 1 });
});
