import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';

import express, { type ErrorRequestHandler, type Express } from 'express';

import { Metrics, setRoute } from '@ausguck/instrument';
import { expressMetrics } from '@ausguck/instrument/express';

import { ask, eventually, listen, send, value, wantRequests } from './helpers.js';

async function served(t: TestContext, routes: (app: Express) => void, metrics = new Metrics()): Promise<{ metrics: Metrics; port: number }> {
  const app = express().set('env', 'test'); // prints no errors
  app.use(expressMetrics(metrics));
  routes(app);
  return { metrics, port: await listen(t, createServer(app)) };
}

const quiet: ErrorRequestHandler = (_error, _req, res, _next) => void res.status(500).send('handled');

test('routes are patterns, of nested routers too', async (t) => {
  const tenants = express.Router({ mergeParams: true });
  tenants.use((_req, _res, next) => next());
  tenants.use('/:other', (_req, _res, next) => next());
  tenants.get('/', (_req, res) => void res.send('tenant'));
  tenants.get('/users/:id', (req, res) => void res.json(req.params));
  const api = express.Router();
  api.use('/tenants/:tenant', tenants);
  api.get('/:id', (req, res) => void res.send(`${req.baseUrl} ${req.params.id}`));
  const own = express();
  own.use('/:first', (_req, _res, next) => next());
  own.get('/page/:n', (req, res) => void res.send(req.baseUrl));

  const { metrics, port } = await served(t, (app) => {
    app.use('/v1', (_req, _res, next) => next());
    app.use('/v1/api/', api);
    app.use('/:any/:thing', (_req, _res, next) => next());
    app.use('/own', own);
    app.use(
      ['/one', /^\/re\d+/],
      express.Router().get('/x', (_req, res) => void res.send('x'))
    );
    app.use((req, res, next) => void express.Router().get('/inner/:i', (_q, r) => void r.send('inner'))(req, res, next));
    app.get('/', (_req, res) => void res.send('home'));
    app.get(['/p/:a', '/q'], (_req, res) => void res.send('pq'));
    app.all('/all/*rest', (_req, _res, next) => next());
    app.get('/all/{:optional/}end', (_req, res) => void res.send('end'));
    app.use('/static', (_req, res) => void res.send('file'));
    app.use('/named', (_req, res) => {
      setRoute(res, '/named/*');
      res.send('named');
    });
  });
  for (const [method, path, body] of [
    ['GET', '/v1/api/7', '/v1/api 7'],
    ['GET', '/V1/aPi/8', '/V1/aPi 8'],
    ['HEAD', '/v1/api/8', ''],
    ['GET', '/v1/api/tenants/tenants', 'tenant'],
    ['GET', '/v1/api/tenants/users/users/users', '{"tenant":"users","id":"users"}'],
    ['GET', '/own/page/2', '/own'],
    ['GET', '/one/x', 'x'],
    ['GET', '/re123/x', 'x'],
    ['GET', '/inner/5', 'inner'],
    ['GET', '/', 'home'],
    ['GET', '/p/1', 'pq'],
    ['GET', '/q', 'pq'],
    ['GET', '/all/x/end', 'end'],
    ['GET', '/static/a.css', 'file'],
    ['GET', '/named/a', 'named'],
  ] as const) {
    const answer = await ask(port, method, path);
    assert.deepEqual([answer.status, answer.body], [200, body], path);
  }
  for (const [method, path] of [
    ['GET', '/wp-login.php'],
    ['POST', '/v1/api/7'],
    ['GET', '/v1/api/x/y/z'],
  ] as const) {
    assert.equal((await ask(port, method, path)).status, 404, path);
  }
  await wantRequests(metrics, {
    'GET /v1/api/:id 200': 2,
    'HEAD /v1/api/:id 200': 1,
    'GET /v1/api/tenants/:tenant 200': 1,
    'GET /v1/api/tenants/:tenant/users/:id 200': 1,
    'GET /own/page/:n 200': 1,
    'GET /one/x 200': 1,
    'GET /^\\\\/re\\\\d+//x 200': 1,
    'GET /inner/:i 200': 1,
    'GET / 200': 1,
    'GET /p/:a 200': 1,
    'GET /q 200': 1,
    'GET /all/{:optional/}end 200': 1,
    'GET unknown 200': 1,
    'GET /named/* 200': 1,
    'GET unknown 404': 2,
    'POST unknown 404': 1,
  });
});

test('the first requests, at the same time', async (t) => {
  let leave = () => {};
  const all = new Promise<void>((resolve) => (leave = resolve));
  let arrived = 0;
  const { metrics, port } = await served(t, (app) => {
    app.use('/api/:x', async (_req, _res, next) => {
      arrived++;
      await all;
      next();
    });
    app.use(
      '/api/:x',
      express.Router().get('/items/:id', (req, res) => void res.send(req.baseUrl))
    );
  });
  const answers = [1, 2, 3].map((i) => ask(port, 'GET', `/api/${i}/items/1`));
  await eventually(() => assert.equal(arrived, 3));
  leave();
  assert.deepEqual((await Promise.all(answers)).map(({ body }) => body).sort(), ['/api/1', '/api/2', '/api/3']);
  await wantRequests(metrics, { 'GET /api/:x/items/:id 200': 3 });
});

test('what a handler throws is a 500, and a panic unless it has a status', async (t) => {
  const { metrics, port } = await served(t, (app) => {
    const api = express.Router();
    api.get('/throws/:id', () => {
      throw new Error('mistake');
    });
    api.get('/rejects/:id', async () => {
      throw new Error('mistake');
    });
    api.get('/next/:id', (_req, _res, next) => next(new Error('mistake')));
    api.get('/deliberate', () => {
      throw Object.assign(new Error('no'), { status: 503 });
    });
    api.get('/late', async (_req, res) => {
      res.write('half');
      throw new Error('mistake');
    });
    app.use('/api', api);
    app.get('/handled', () => {
      throw new Error('mistake');
    });
    app.use('/handled', quiet);
  });
  for (const path of ['/api/throws/1', '/api/rejects/1', '/api/next/1', '/handled']) {
    assert.equal((await ask(port, 'GET', path)).status, 500);
  }
  assert.equal(await value(metrics, 'http_panics_total'), 4);
  assert.equal((await ask(port, 'GET', '/api/deliberate')).status, 503);
  assert.equal(await value(metrics, 'http_panics_total'), 4);
  await assert.rejects(ask(port, 'GET', '/api/late'));
  await wantRequests(metrics, {
    'GET /api/throws/:id 500': 1,
    'GET /api/rejects/:id 500': 1,
    'GET /api/next/:id 500': 1,
    'GET /handled 500': 1,
    'GET /api/deliberate 503': 1,
    'GET /api/late 500': 1,
  });
  assert.equal(await value(metrics, 'http_panics_total'), 5);
});

test('clients that leave', async (t) => {
  let arrived = 0;
  const { metrics, port } = await served(t, (app) => {
    app.get('/hang/:id', () => void arrived++);
    app.get('/events', (_req, res) => void res.write('event'));
    app.post('/upload', express.text(), (_req, res) => void res.send('ok'));
  });
  const hang = await send(t, port, 'GET /hang/1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually(() => assert.equal(arrived, 1));
  hang.destroy();
  const events = await send(t, port, 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(events, 'readable');
  events.destroy();
  const upload = await send(t, port, 'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf');
  await eventually(async () => assert.equal(await value(metrics, 'http_requests_in_flight'), 1));
  upload.destroy();
  await eventually(async () => assert.equal(await value(metrics, 'http_requests_in_flight'), 0));
  await wantRequests(metrics, { 'GET /hang/:id 499': 1, 'GET /events 200': 1, 'POST /upload 499': 1 });
  assert.equal(await value(metrics, 'http_panics_total'), 0);
});

test('10,000 random paths are as many series as one', async (t) => {
  const { metrics, port } = await served(t, (app) => {
    app.use(
      '/tenants/:tenant',
      express.Router().get('/items/:id', (_req, res) => void res.send('item'))
    );
  });
  const worker = async () => {
    for (let i = 0; i < 1250; i++) {
      const random = randomBytes(8).toString('hex');
      await ask(port, 'GET', `/tenants/${random}/items/${random}`);
      await ask(port, 'GET', `/${random}`);
    }
  };
  await Promise.all([1, 2, 3, 4].map(worker));
  await wantRequests(metrics, { 'GET /tenants/:tenant/items/:id 200': 5_000, 'GET unknown 404': 5_000 });
});

test('the metrics page is not measured', async (t) => {
  const { metrics, port } = await served(t, (app) => {
    app.get('/items/:id', (_req, res) => void res.send('item'));
  });
  await ask(port, 'GET', '/items/1');
  const page = await ask(port, 'GET', '/metrics');
  assert.match(page.body, /^http_requests_in_flight 0$/m);
  assert.match(page.body, /^http_requests_total\{method="GET",route="\/items\/:id",status="200"\} 1$/m);
  await wantRequests(metrics, { 'GET /items/:id 200': 1 });
});

test('an app inside a measured server is measured once', async (t) => {
  const metrics = new Metrics();
  const app = express();
  app.use(expressMetrics(metrics));
  app.get('/items/:id', (_req, res) => void res.send('item'));
  const port = await listen(t, createServer(metrics.handler(app)));
  await ask(port, 'GET', '/items/1');
  await wantRequests(metrics, { 'GET /items/:id 200': 1 });
});

test('a router without Express is left alone', async (t) => {
  expressMetrics(new Metrics()); // listens to all routers of the process
  const other = express.Router();
  other.get('/items/:id', (req, res) => void res.end(req.params.id));
  other.get('/throws', () => {
    throw new Error('mistake');
  });
  const port = await listen(
    t,
    createServer((req, res) => other(req as express.Request, res as express.Response, (error?: unknown) => res.writeHead(error ? 500 : 404).end()))
  );
  assert.equal((await ask(port, 'GET', '/items/1')).body, '1');
  assert.equal((await ask(port, 'GET', '/throws')).status, 500);
  assert.equal((await ask(port, 'GET', '/nothing')).status, 404);
});

test('an Express that does not publish its routes is named', async (t) => {
  const metrics = new Metrics();
  const middleware = expressMetrics(metrics);
  const port = await listen(
    t,
    createServer((req, res) => middleware(req, res, () => res.end()))
  );
  const warning = once(process, 'warning') as Promise<[Error & { code?: string }]>;
  await ask(port, 'GET', '/items/1');
  const [{ code, message }] = await warning;
  assert.equal(code, 'AUSGUCK_NO_ROUTES');
  assert.match(message, /Express 5\.3/);
  await wantRequests(metrics, { 'GET unknown 200': 1 });
});
