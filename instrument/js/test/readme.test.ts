import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import Fastify, { type onRequestHookHandler } from 'fastify';
import type { Counter, Histogram, Registry } from 'prom-client';
import ts from 'typescript';

import { fastifyMetrics } from '@ausguck/instrument/fastify';

import { ask, eventually, send } from './helpers.js';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const out = join(import.meta.dirname, 'readme');

/** block returns the code in the README with these words after its fence. */
function block(info: string): string {
  const found = readme.split('\n```').find((part) => part.startsWith(`${info}\n`));
  assert.ok(found, `README.md has no block "${info}"`);
  return found.slice(info.length + 1);
}

// A service that the package is installed in.
rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'node_modules/@ausguck'), { recursive: true });
symlinkSync(root, join(out, 'node_modules/@ausguck/instrument'), 'dir');
writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }');

/** compiled loads TypeScript as a module of that service. */
function compiled(path: string, source: string): unknown {
  const file = join(out, `${path}.js`);
  mkdirSync(join(file, '..'), { recursive: true });
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  writeFileSync(file, ts.transpileModule(source, { compilerOptions }).outputText);
  return createRequire(file)(file);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

for (const [name, route] of [
  ['fastify', '/items/:id'],
  ['express', '/items/:id'],
  ['node:http', '/items/:id'],
] as const) {
  test(`the example for ${name} runs`, async (t) => {
    const port = await freePort();
    const code = block(`js ${name}`)
      .replace("port: 3001, host: '0.0.0.0'", `port: ${port}, host: '127.0.0.1'`)
      .replace('listen(3001)', `listen(${port}, '127.0.0.1')`);
    assert.doesNotMatch(code, /3001/);
    const file = join(import.meta.dirname, `example-${name.replace(':', '-')}.mjs`);
    writeFileSync(file, code);
    const child = spawn(process.execPath, [file], { stdio: 'inherit' });
    t.after(() => child.kill());
    await eventually(async () => {
      assert.equal(child.exitCode, null);
      assert.equal((await ask(port, 'GET', '/items/1')).body, 'an item');
    });
    const page = (await ask(port, 'GET', '/metrics')).body;
    assert.ok(page.includes(`http_requests_total{method="GET",route="${route}",status="200"} 1\n`), page);
    assert.match(page, /^service_info\{service="gateway",/m);
  });
}

interface Original {
  register: Registry;
  httpRequestDuration: Histogram;
  httpRequestCount: Counter;
  adoWebhookCount: Counter;
  orchestratorCallDuration: Histogram;
}

const original = readFileSync(join(root, 'test/original/metrics.ts'), 'utf8');

test('the original fails under Fastify 5, and the six lines do not', async (t) => {
  let closed = 0;
  const middleware = readFileSync(join(root, 'test/original/middleware/metrics.ts'), 'utf8');
  assert.equal(block('ts original').trimEnd(), middleware.trimEnd());
  const metrics = compiled('src/metrics', original) as Original;
  const { metricsMiddleware } = compiled('src/middleware/metrics', middleware) as { metricsMiddleware: onRequestHookHandler };

  const before = Fastify();
  before.addHook('onRequest', metricsMiddleware);
  before.get('/items/:id', async () => 'an item');
  const answer = await before.inject('/items/1');
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.json().message, 'reply.addHook is not a function');

  const lines = block('js six lines').trim();
  assert.equal(lines.split('\n').length, 6);
  assert.ok(readFileSync(join(root, '../../docs/instrument.md'), 'utf8').includes(`\`\`\`js\n${lines}\n\`\`\``), 'the documentation has the same lines');
  const app = Fastify();
  const { register, httpRequestDuration, httpRequestCount } = metrics;
  new Function('app', 'register', 'httpRequestDuration', 'httpRequestCount', lines)(app, register, httpRequestDuration, httpRequestCount);
  app.get('/hang', (_request, reply) => void reply.raw.on('close', () => closed++));
  app.get('/items/:id', async () => 'an item');
  assert.equal((await app.inject('/items/1')).statusCode, 200);
  assert.equal((await app.inject('/wp-login.php')).statusCode, 404);
  const page = (await app.inject('/metrics')).body;
  assert.match(page, /^http_requests_total\{method="GET",route="\/items\/:id",status="200"\} 1$/m);
  assert.match(page, /^http_requests_total\{method="GET",route="unknown",status="404"\} 1$/m);
  assert.match(page, /^http_request_duration_seconds_count\{method="GET",route="\/items\/:id",status="200"\} 1$/m);

  // What the page says they do not do.
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  const client = await send(t, (app.server.address() as AddressInfo).port, 'GET /hang HTTP/1.1\r\nHost: x\r\n\r\n');
  client.end();
  await eventually(() => assert.equal(closed, 1));
  assert.doesNotMatch((await app.inject('/metrics')).body, /hang/);
});

test('the original metrics.ts can be replaced, and the rest of the service stays', async () => {
  const replaced = compiled('replaced/metrics', block('ts metrics.ts')) as Original & { metrics: import('@ausguck/instrument').Metrics };
  for (const [, name] of original.matchAll(/^export const (\w+)/gm)) {
    assert.ok(name! in replaced, `${name} is no longer exported`);
  }
  const app = Fastify();
  app.register(fastifyMetrics, { metrics: replaced.metrics });
  app.post('/webhook', async (_request, reply) => {
    replaced.adoWebhookCount.inc({ event_type: 'git.push', status: 'accepted' });
    replaced.orchestratorCallDuration.startTimer()();
    return reply.code(202).send();
  });
  await app.inject({ method: 'POST', url: '/webhook' });
  const page = (await app.inject('/metrics')).body;
  for (const line of [
    'http_requests_total{method="POST",route="/webhook",status="202"} 1',
    'ado_webhooks_total{event_type="git.push",status="accepted"} 1',
    'orchestrator_call_duration_seconds_count 1',
  ]) {
    assert.ok(page.split('\n').includes(line), page);
  }
});

test('the package has what it needs and nothing else', async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
  const [{ files }] = JSON.parse(stdout) as [{ files: Array<{ path: string }> }];
  const others = files.map(({ path }) => path).filter((path) => !/^dist\/\w+\.(js|d\.ts)$/.test(path));
  assert.deepEqual(others.sort(), ['LICENSE', 'README.md', 'package.json']);
  assert.ok(files.some(({ path }) => path === 'dist/fastify.js'));
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
  assert.deepEqual(Object.keys(dependencies), ['prom-client']);
});
