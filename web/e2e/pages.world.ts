import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

/** Text that would execute if a page rendered it as HTML. */
export const script = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';

/** The metrics of the shop: one label with ever new values, and a long queue. */
const exploding = Array.from({ length: 600 }, (_, i) => `requests_total{container="api",session_id="s${i}"} ${i}`).join('\n');
const metrics = `# TYPE requests_total counter\n${exploding}\n# TYPE queue_length gauge\nqueue_length{container="api"} 7\n`;

/** The shop: it is scraped, and records what is posted to it. */
export function shop(received: string[]): Server {
  return createServer((request, response) => {
    if (request.method === 'POST') {
      let text = '';
      request.on('data', (chunk) => (text += String(chunk)));
      request.on('end', () => {
        received.push(text);
        response.end('thanks');
      });
    } else if (request.url === '/metrics') {
      response.setHeader('Content-Type', 'text/plain').end(metrics);
    } else {
      response.writeHead(404).end('not here');
    }
  });
}

/** The configuration of a shop at a port: one working target, and others that each fail in a different way. */
export const files = (port: number) => ({
  'prometheus.yml': `global: {scrape_interval: 1s, evaluation_interval: 1s, query_log_file: queries.log}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}
scrape_configs:
- {job_name: shop, static_configs: [{targets: ['127.0.0.1:${port}']}]}
- {job_name: wrong-path, metrics_path: /wrong, static_configs: [{targets: ['127.0.0.1:${port}'], labels: {evil: '${script.replace(/'/g, "''")}'}}]}
- {job_name: limited, sample_limit: 10, static_configs: [{targets: ['127.0.0.1:${port}']}]}
- job_name: chosen
  static_configs: [{targets: ['127.0.0.1:${port}'], labels: {__meta_team: a, environment: test}}]
  relabel_configs: [{source_labels: [__meta_team], target_label: team}, {source_labels: [environment], regex: production, action: keep}]
remote_write: [{url: 'http://127.0.0.1:1/', basic_auth: {username: u, password: very-secret-word}}]
`,
  'rules.yml': JSON.stringify({
    groups: [
      {
        name: 'shop',
        rules: [{ alert: 'QueueLong', expr: 'queue_length > 5', labels: { severity: 'critical' }, annotations: { summary: `The queue is long ${script}` } }],
      },
    ],
  }),
  'alertmanager.yml': JSON.stringify({
    route: { receiver: 'hook', group_by: ['alertname'], group_wait: '0s', group_interval: '1s', repeat_interval: '1h' },
    receivers: [{ name: 'hook', webhook_configs: [{ url: `http://127.0.0.1:${port}/` }] }],
  }),
});

/** All pages, with an element that shows when each is loaded. */
export const pages = [
  ['home', '/', '[data-testid=now][data-fine]'],
  ['explore', '/explore?g0.expr=up&g0.range_input=5m&g0.tab=0', '[data-testid=graph][data-series]'],
  ['alerts', '/alerts', 'main nav'],
  ['targets', '/targets', '[data-testid=target]'],
  ['containers', '/targets/containers', 'main nav'],
  ['probes', '/targets/probes', 'main form'],
  ['heartbeats', '/targets/heartbeats', '[data-testid=heartbeat]'],
  ['dropped', '/targets/dropped', '[data-testid=dropped] li'],
  ['status', '/admin/status', '[data-testid=part]'],
  ['series', '/admin/series', '[data-testid=offender]'],
  ['configuration', '/admin/configuration', 'main pre'],
  ['queries', '/admin/queries', '[data-testid=logged]'],
  ['settings', '/settings', 'main h1'],
  ['data sources', '/settings/datasources', '[data-testid=datasource]'],
  ['users', '/settings/users', '[data-testid=user]'],
  ['tokens', '/settings/tokens', '#account-name'],
] as const;

/** Pages with their own tests; only their layout on a phone is tested together with the others. */
export const more = [
  ['dashboards', '/dashboards', 'main li a'],
  ['starred', '/dashboards?starred=true', 'main'],
  ['folder', '/dashboards/f/ausguck', 'main li a'],
  ['new dashboard', '/dashboard/new', '[data-testid=dashboard]'],
  ['import', '/dashboard/import', '.cm-content'],
  ['overview', '/d/ausguck-overview', '[data-viz-panel-key]'],
  ['host', '/d/ausguck-host', '[data-viz-panel-key]'],
  ['lines', '/explore?g0.expr=%7Bcontainer%3D%22api%22%7D&g0.source=loki', '[data-testid=lines]'],
  ['rules', '/alerts/rules', '[data-testid=rule]'],
  ['silences', '/alerts/silences', 'main nav'],
  ['new silence', '/alerts/silences/new', 'main form'],
  ['status pages', '/alerts/status-pages', 'main nav'],
  ['notifications', '/alerts/notifications', '[data-testid=notifications]'],
  ['receivers', '/alerts/receivers', '[data-testid=receiver]'],
  ['no page', '/alerts/nowhere', '[data-testid=no-page]'],
] as const;

export let program: Program;
export let browser: Browser;
let peer: Server;
export let port: number;
export const received: string[] = [];

/** One program for the file that scrapes a shop, and for each test a browser. The page must not complain and run no script of others. */
export function inTheShop() {
  beforeAll(async () => {
    peer = shop(received);
    await new Promise<void>((done) => peer.listen(0, '127.0.0.1', done));
    port = (peer.address() as { port: number }).port;
    program = await Program.start({
      files: files(port),
    });
    await program.api('/api/ausguck/heartbeats', { method: 'POST', body: { name: 'backup', cron: '0 3 * * *', group: script, labels: { team: script } } });
    const now = BigInt(Date.now()) * 1_000_000n;
    await program.send('/loki/api/v1/push', {
      streams: [{ stream: { container: 'api' }, values: [[String(now), `level=error msg="the queue is stuck" ${script}`]] }],
    });
    await until('the alert is delivered', () => received.some((t) => t.includes('QueueLong')), 60_000);
    await until('the lines are there', async () => ((await program.logs('{container="api"}')) ?? 0) === 1, 60_000);
  }, 180_000);

  afterAll(async () => {
    await program?.stop();
    peer?.close();
  });

  beforeEach(async () => {
    browser = await Browser.open(program);
    await browser.login();
  });

  afterEach(async (context) => {
    await browser.screenshot(`end-of-${context.task.name}`);
    const { complaints } = browser;
    const pwned = await browser.page.evaluate(() => (window as { pwned?: number }).pwned);
    await browser.close();
    expect(pwned).toBeUndefined();
    expect(complaints).toEqual([]);
  });
}

export const target = (text: string) => browser.page.getByTestId('target').filter({ hasText: text });
