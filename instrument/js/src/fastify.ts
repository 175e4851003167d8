import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';

import type { Metrics } from './metrics.js';
import { Recorder } from './recorder.js';

/** Options of the plugin. */
export interface FastifyMetricsOptions {
  metrics: Metrics;
}

/**
 * fastifyMetrics measures the requests of a Fastify 5 server and serves metrics.metricsPath, which is not measured.
 *
 *     app.register(fastifyMetrics, { metrics });
 *
 * Register it before the plugins that have routes: Fastify gives hooks only to plugins that follow. The route is
 * request.routeOptions.url, which includes prefixes, and "unknown" if none matched.
 */
export const fastifyMetrics: FastifyPluginCallback<FastifyMetricsOptions> = (app, { metrics }, done) => {
  app.addHook('onRequest', (request, reply, next) => {
    const recorder = Recorder.begin(metrics.sink, request.raw, reply.raw, () => request.routeOptions.url);
    if ((request.raw as { upgrade?: boolean }).upgrade) {
      watchHijack(reply, recorder);
    }
    next();
  });
  app.addHook('onError', (_request, reply, error, next) => {
    const recorder = Recorder.of(reply.raw);
    if (recorder) {
      recorder.thrown = error;
    }
    next();
  });
  if (metrics.metricsPath !== false) {
    app.get(metrics.metricsPath, { logLevel: 'warn' }, async (_request: FastifyRequest, reply) => {
      Recorder.of(reply.raw)?.discard();
      return reply.type(metrics.register.contentType).send(await metrics.text());
    });
  }
  done();
};

// Hooks and routes belong to the instance that registers the plugin, not to one of their own. That is all fastify-plugin does.
Object.assign(fastifyMetrics, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@ausguck/instrument',
  [Symbol.for('plugin-meta')]: { name: '@ausguck/instrument', fastify: '5.x' },
});

/** watchHijack notices that a handler takes over a connection that the client wants to upgrade, as @fastify/websocket does. */
function watchHijack(reply: FastifyReply, recorder: Recorder): void {
  const hijack = reply.hijack;
  reply.hijack = function () {
    recorder.hijacked();
    return hijack.call(this);
  };
}
