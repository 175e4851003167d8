// The gateway of the original dashboard, measured by this package; test/e2e/instrumentjs_test.go runs it with a port as argument.
import Fastify from 'fastify';

import { Metrics } from '@ausguck/instrument';
import { fastifyMetrics } from '@ausguck/instrument/fastify';

const metrics = new Metrics({ service: 'gateway' });
const app = Fastify();
app.register(fastifyMetrics, { metrics });
app.post('/webhook/:project', async (_request, reply) => {
  metrics.adoWebhookCount.inc({ event_type: 'git.push', status: 'accepted' });
  return reply.code(202).send();
});
app.get('/mistake', async () => {
  throw new Error('mistake');
});
process.once('SIGTERM', () => app.close());
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
