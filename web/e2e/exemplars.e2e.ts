import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

// OpenMetrics is the only text format with exemplars; each scrape returns new values.
const started = Date.now();
function metrics(): string {
  const seconds = (Date.now() - started) / 1000;
  const bucket = (le: string, share: number, exemplar: string) =>
    `request_seconds_bucket{route="/pay",le="${le}"} ${Math.floor(10 * seconds * share)}${exemplar}`;
  const trace = (value: number, id: string, at: number) => ` # {trace_id="${id}-${at}",user="<img src=x onerror=alert(1)>"} ${value} ${at}`;
  const now = Math.floor(Date.now() / 1000);
  return [
    '# TYPE request_seconds histogram',
    bucket('0.1', 0.3, trace(0.05, 'fast', now - 0.001)),
    bucket('0.5', 0.8, ''),
    bucket('2.0', 1, trace(1.25, 'slow', now)),
    bucket('+Inf', 1, ''),
    `request_seconds_count{route="/pay"} ${Math.floor(10 * seconds)}`,
    `request_seconds_sum{route="/pay"} ${5 * seconds}`,
    '# EOF',
    '',
  ].join('\n');
}

const target = { refId: 'A', exemplar: true, datasource: { type: 'prometheus', uid: 'traced' } };
const panels = [
  {
    id: 1,
    type: 'timeseries',
    title: 'Graph',
    gridPos: { x: 0, y: 0, w: 12, h: 12 },
    targets: [{ ...target, expr: 'histogram_quantile(0.95, sum by (le) (rate(request_seconds_bucket[10s])))', legendFormat: 'p95' }],
  },
  {
    id: 2,
    type: 'heatmap',
    title: 'Heat',
    gridPos: { x: 12, y: 0, w: 12, h: 12 },
    targets: [{ ...target, expr: 'sum by (le) (increase(request_seconds_bucket[10s]))', format: 'heatmap', legendFormat: '{{le}}' }],
    options: { yAxis: { unit: 's' }, exemplars: { color: 'rgb(255, 0, 255)' } },
  },
  {
    id: 3,
    type: 'timeseries',
    title: 'Not asked',
    gridPos: { x: 0, y: 12, w: 12, h: 8 },
    targets: [{ ...target, exemplar: false, expr: 'request_seconds_count' }],
  },
];

let program: Program;
let browser: Browser;
let server: Server;

beforeAll(async () => {
  server = createServer((_, response) => response.setHeader('Content-Type', 'application/openmetrics-text; version=1.0.0; charset=utf-8').end(metrics()));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  program = await Program.start({
    files: {
      'prometheus.yml': `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: traced, static_configs: [{targets: ['127.0.0.1:${port}']}]}]\n`,
      'grafana/provisioning/datasources/traced.yml': `apiVersion: 1
datasources:
- name: Traced
  uid: traced
  type: prometheus
  url: http://prometheus:9090
  isDefault: true
  jsonData:
    timeInterval: 1s
    exemplarTraceIdDestinations:
    - {name: trace_id, url: 'https://traces.example.org/trace/$\${__value.raw}', urlDisplayLabel: View trace}
`,
    },
  });
  await program.api('/api/dashboards/db', {
    method: 'POST',
    body: { dashboard: { uid: 'exemplars', title: 'Exemplars', schemaVersion: 42, timezone: 'utc', time: { from: 'now-1m', to: 'now' }, panels } },
  });
  await until('there are samples for a graph', async () => ((await program.query('count_over_time(request_seconds_count[1m])')) ?? 0) > 15, 60_000);
  browser = await Browser.open(program, { width: 1500, height: 900 });
  await browser.login();
  await browser.dashboard('/d/exemplars/exemplars');
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  server?.close();
});

/** The markers of a panel whose labels contain a trace. */
async function marks(title: string) {
  const found = browser.panel(title).getByTestId('exemplar');
  await until(`${title} has exemplars`, async () => (await found.count()) >= 5);
  return found;
}

test.each(['Graph', 'Heat'])('%s: exemplars are marked, and name and link their trace', async (title) => {
  const found = await marks(title);
  const { page } = browser;
  await found.last().hover();
  const labels = page.getByTestId('exemplar-labels');
  await labels.waitFor();
  await browser.screenshot(`exemplars-${title}`);
  expect(await labels.innerText()).toMatch(/trace_id\s+slow-\d+[\s\S]*View trace/);
  expect(await labels.innerText()).toContain('<img src=x onerror=alert(1)>');
  expect(await labels.getByRole('link', { name: 'View trace' }).getAttribute('href')).toMatch(/^https:\/\/traces\.example\.org\/trace\/slow-\d+$/);
  expect(await labels.getByRole('link', { name: 'View trace' }).getAttribute('target')).toBe('_blank');
  await page.mouse.move(5, 5);
  await labels.waitFor({ state: 'detached' });
});

test('a mark stands at the time and the value of its exemplar', async () => {
  const [graph, heat] = [await marks('Graph'), await marks('Heat')];
  const box = async (title: string) => (await browser.panel(title).locator('.u-over').boundingBox())!;
  for (const [title, found] of [
    ['Graph', graph],
    ['Heat', heat],
  ] as const) {
    const area = await box(title);
    for (const mark of await found.all()) {
      const at = (await mark.boundingBox())!;
      expect(at.x + at.width / 2).toBeGreaterThanOrEqual(area.x - 1);
      expect(at.x + at.width / 2).toBeLessThanOrEqual(area.x + area.width + 1);
      expect(at.y + at.height / 2).toBeGreaterThanOrEqual(area.y - 1);
      expect(at.y + at.height / 2).toBeLessThanOrEqual(area.y + area.height + 1);
    }
  }
  // The slow ones are in the third of four buckets, halfway between its bounds, one second (of sixty) apart.
  const area = await box('Heat');
  const places = (await Promise.all((await heat.all()).map((mark) => mark.boundingBox()))).map((at) => ({
    x: at!.x,
    y: (at!.y + at!.height / 2 - area.y) / area.height,
  }));
  const slow = places.filter(({ y }) => y < 0.5);
  expect(slow.length).toBeGreaterThan(5);
  expect(slow.every(({ y }) => Math.abs(y - (1 - 2.5 / 4)) < 0.01)).toBe(true);
  expect(Math.abs(slow.at(-1)!.x - slow.at(-2)!.x - area.width / 60)).toBeLessThan(1);
});

test('only queries that want exemplars have them', async () => {
  expect(await browser.panel('Not asked').getByTestId('exemplar').count()).toBe(0);
  expect(browser.complaints).toEqual([]);
});
