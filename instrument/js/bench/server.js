// One server of bench.js: a route, and one of the libraries.
import { createServer } from 'node:http';

import bundle from 'express-prom-bundle';
import express from 'express';
import Fastify from 'fastify';
import fastifyMetricsOther from 'fastify-metrics';
import { Registry } from 'prom-client';

import { Metrics, durationBuckets, setRoute } from '@ausguck/instrument';
import { expressMetrics } from '@ausguck/instrument/express';
import { fastifyMetrics } from '@ausguck/instrument/fastify';

const [, , server, side] = process.argv;
const other = (routeMetrics) => ({
  endpoint: '/metrics',
  promClient: null,
  routeMetrics: { ...routeMetrics, overrides: { histogram: { buckets: [...durationBuckets] } } },
});

const servers = {
  async Fastify() {
    const app = Fastify({ forceCloseConnections: true });
    if (side === '@ausguck/instrument') {
      app.register(fastifyMetrics, { metrics: new Metrics() });
    } else if (side === 'fastify-metrics') {
      await app.register(fastifyMetricsOther.default ?? fastifyMetricsOther, other({}));
    } else if (side === 'fastify-metrics, histogram only') {
      await app.register(fastifyMetricsOther.default ?? fastifyMetricsOther, other({ enabled: { histogram: true, summary: false } }));
    }
    app.get('/items/:id', async () => 'ok');
    await app.ready();
    return app.server;
  },
  Express() {
    const app = express();
    if (side === '@ausguck/instrument') {
      app.use(expressMetrics(new Metrics()));
    } else if (side === 'express-prom-bundle') {
      app.use(bundle({ includeMethod: true, includePath: true, promRegistry: new Registry(), buckets: [...durationBuckets] }));
    }
    app.get('/items/:id', (_req, res) => res.send('ok'));
    return createServer(app);
  },
  'node:http'() {
    const listener = (_req, res) => {
      setRoute(res, '/items/:id');
      res.end('ok');
    };
    return createServer(side === 'bare' ? listener : new Metrics().handler(listener));
  },
};

const listening = await servers[server]();
listening.listen(0, '127.0.0.1', () => process.send({ port: listening.address().port }));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system });
});
process.on('disconnect', () => process.exit());
