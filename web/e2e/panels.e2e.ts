import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Browser } from './browser';
import { empty, idOf, metrics, old, panels, started } from './panels.dashboard';
import { password, Program, until } from './program';

let program: Program;
let browser: Browser;
let server: Server;

/** Native histograms with negative buckets, which only OTLP and protobuf can carry. */
async function sendNative() {
  const now = Date.now();
  const counts = (n: number) => [1, 2, 4, 2].map((c) => String(Math.floor((c * n * (now - started)) / 1000)));
  const point = {
    startTimeUnixNano: `${started}000000`,
    timeUnixNano: `${now}000000`,
    scale: 0,
    zeroCount: '3',
    zeroThreshold: 0.01,
    positive: { offset: 0, bucketCounts: counts(2) },
    negative: { offset: 1, bucketCounts: counts(1) },
    count: String(3 + [...counts(2), ...counts(1)].reduce((sum, c) => sum + Number(c), 0)),
    sum: 0,
  };
  const body = {
    resourceMetrics: [
      {
        resource: { attributes: [] },
        scopeMetrics: [
          { scope: { name: 'test' }, metrics: [{ name: 'account', unit: 'EUR', exponentialHistogram: { aggregationTemporality: 2, dataPoints: [point] } }] },
        ],
      },
    ],
  };
  const response = await fetch(`${program.url}/api/v1/otlp/v1/metrics`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', Authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
  });
  if (!response.ok) {
    throw new Error(`OTLP: ${response.status} ${await response.text()}`);
  }
}

beforeAll(async () => {
  server = createServer((_, response) => response.setHeader('Content-Type', 'text/plain; version=0.0.4').end(metrics()));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  program = await Program.start({
    args: ['--web.enable-otlp-receiver'],
    files: {
      'prometheus.yml': `global: {scrape_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs: [{job_name: made, static_configs: [{targets: ['127.0.0.1:${port}']}]}]\n`,
      'grafana/provisioning/datasources/prometheus.yml':
        'apiVersion: 1\ndatasources: [{name: Prometheus, uid: prometheus, type: prometheus, url: "http://prometheus:9090", isDefault: true, jsonData: {timeInterval: 1s}}]\n',
      'rules.yml': 'groups: [{name: g, rules: [{alert: Never, expr: vector(0) > 1}]}]\n',
    },
  });
  await program.api('/api/dashboards/db', {
    method: 'POST',
    body: { dashboard: { uid: 'panels', title: 'Panels', schemaVersion: 42, timezone: 'utc', time: { from: 'now-1m', to: 'now' }, panels } },
  });
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard: old } });
  let sent = 0;
  await until(
    'there are samples for a graph',
    async () => {
      if (Date.now() - sent > 1000) {
        await sendNative();
        sent = Date.now();
      }
      return ((await program.query('count_over_time(share{part="one"}[1m])')) ?? 0) > 25;
    },
    60_000
  );
  await program.api('/api/annotations', {
    method: 'POST',
    body: { dashboardUID: 'panels', time: Date.now() - 8000, text: 'Deployed <b>2.0</b><img src=x onerror=alert(1)>', tags: ['deploy'] },
  });
  browser = await Browser.open(program, { width: 1500, height: 900 });
  await browser.login();
  await browser.dashboard('/d/panels/panels');
  await browser.screenshot('panels');
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  server?.close();
});

test.each(empty.map((p) => p.title))('%s: the text for no value', async (title) => {
  expect((await browser.panel(title).innerText()).replace(title, '').trim()).toBe('nothing yet');
});

test('no alert is firing', async () => expect(await browser.panel('Alerts').innerText()).toContain('No alert is firing'));

describe('heatmaps with buckets below zero', () => {
  /** The number of drawn pixels in a column of cells, and the total; there is a gap between cells. */
  const column = (title: string) =>
    browser
      .panel(title)
      .locator('canvas')
      .first()
      .evaluate((element) => {
        const canvas = element as HTMLCanvasElement;
        const { width, height } = canvas;
        const columns = Array.from({ length: 8 }, (_, i) => canvas.getContext('2d')!.getImageData(Math.floor(width * 0.88) + i, 0, 1, height).data);
        return { drawn: Math.max(...columns.map((data) => data.filter((v, i) => i % 4 === 3 && v > 0).length)), height };
      });

  test('of classic buckets on a symmetric logarithmic scale', async () => {
    const { drawn: pixels, height } = await column('Symlog');
    // All eight buckets have values, and the axis has no empty space except for its labels.
    expect(pixels / height).toBeGreaterThan(0.75);
  });

  test('of native histograms', async () => {
    const report = (await browser.report()).find((r) => r.title === 'Native')!;
    expect(report.hasData).toBe(true);
    const data = await program.api<{ data: { result: Array<{ histogram: [number, { buckets: Array<[number, string, string, string]> }] }> } }>(
      '/api/v1/query?query=sum(account_EUR)'
    );
    expect(data.data.result[0]!.histogram[1].buckets.filter(([, low]) => Number(low) < -1).length).toBe(4);
    expect((await column('Native')).drawn).toBeGreaterThan(50);
  });
});

describe('state panels', () => {
  test.each([
    ['Timeline', 2, ['a', 'b'], 3],
    ['History', 3, ['a', 'b', 'c'], 2],
  ] as const)('%s has pages', async (title, perPage, _, pages) => {
    const panel = browser.panel(title);
    const buttons = panel.getByRole('navigation').getByRole('button').filter({ hasText: /^\d+$/ });
    expect(await buttons.allInnerTexts()).toEqual(Array.from({ length: pages }, (_u, i) => String(i + 1)));
    const before = await panel
      .locator('canvas')
      .first()
      .evaluate((c) => (c as HTMLCanvasElement).toDataURL());
    await buttons.nth(1).click();
    await until(
      'the next rows are drawn',
      async () =>
        (await panel
          .locator('canvas')
          .first()
          .evaluate((c) => (c as HTMLCanvasElement).toDataURL())) !== before
    );
    await browser.screenshot(`page-2-of-${title}`);
    await buttons.nth(0).click();
    expect(perPage * pages).toBeGreaterThanOrEqual(5);
  });
});

describe('annotations', () => {
  test.each(['Lines', 'Symlog', 'Timeline', 'History'])('lie over %s', async (title) => {
    const panel = browser.panel(title);
    const mark = panel.getByRole('button', { name: /^Annotation Deployed/ });
    await mark.waitFor();
    await mark.hover({ force: true });
    const text = browser.page.locator('[role=tooltip]', { hasText: 'Deployed 2.0' }).last();
    await text.waitFor();
    expect(await text.innerText()).toContain('deploy');
    expect(await text.locator('img[onerror]').count()).toBe(0);
    await browser.page.mouse.move(2, 2);
    // The line itself, in the color of built-in annotations.
    const at = (await mark.boundingBox())!;
    const over = (await panel.locator('canvas').first().boundingBox())!;
    const share = (at.x + at.width / 2 - over.x) / over.width;
    const painted = await panel
      .locator('canvas')
      .first()
      .evaluate((element, x) => {
        const canvas = element as HTMLCanvasElement;
        const { data } = canvas.getContext('2d')!.getImageData(Math.round(canvas.width * x) - 1, 0, 3, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
          count += data[i]! < 60 && data[i + 1]! > 150 && data[i + 2]! > 200 ? 1 : 0;
        }
        return count;
      }, share);
    expect(painted).toBeGreaterThan(30);
  });
});

describe('a click keeps the tooltip and shows its data links', () => {
  // Twelve seconds before the end: with steps of five seconds the last ones are empty, and the first twenty seconds
  // have no data.
  test.each([
    ['Lines', 0.8, 0.5],
    ['Symlog', 0.8, 0.5],
    ['Timeline', 0.8, 0.25],
    ['History', 0.8, 0.15],
    ['Bars', 0.5, 0.9],
  ] as const)('%s', async (title, x, y) => {
    const { page } = browser;
    const link = page.getByRole('link', { name: /^Details of / });
    // A click pins what the pointer is over; on a busy machine, it can occur before the plot has noticed the pointer.
    await until(
      'the tooltip stays',
      async () => {
        const over = (await browser.panel(title).locator('.u-over').first().boundingBox())!;
        await page.mouse.move(over.x + over.width * x - 5, over.y + over.height * y);
        await page.mouse.move(over.x + over.width * x, over.y + over.height * y, { steps: 3 });
        await page.mouse.down();
        await page.mouse.up();
        return link.waitFor({ timeout: 2000 }).then(
          () => true,
          () => false
        );
      },
      60_000
    );
    await browser.screenshot(`pinned-${title}`);
    expect(await link.getAttribute('href')).toMatch(/\/d\/other\?var-v=-?[\d.]+$/);
    await page.keyboard.press('Escape');
    await link.waitFor({ state: 'detached' });
  });
});

test('a click on the legend of a pie leaves one slice', async () => {
  const panel = browser.panel('Pie');
  const slices = panel.locator('svg[role=img] path');
  expect(await slices.count()).toBe(3);
  await panel.getByText('two', { exact: true }).and(browser.page.locator('button')).click();
  await until('one slice is left', async () => (await slices.count()) === 1);
  await browser.screenshot('pie-one-slice');
  await panel.getByText('two', { exact: true }).and(browser.page.locator('button')).click();
  await until('all slices are back', async () => (await slices.count()) === 3);
});

test('rows of one field cannot be hidden by the legend', async () => {
  const panel = browser.panel('Pie of rows');
  expect(await panel.locator('button', { hasText: 'three' }).isDisabled()).toBe(true);
});

test('time regions of old graphs lie over their graph only', async () => {
  await browser.dashboard('/d/old/old');
  await browser
    .panel('Graph 1')
    .getByRole('button', { name: /^Annotation T1/ })
    .waitFor();
  await browser.screenshot('time-region');
  expect(
    await browser
      .panel('Graph 2')
      .getByRole('button', { name: /^Annotation/ })
      .count()
  ).toBe(0);
});

// The range ends in the future: its steps are long, and one of them must include the data generated just now.
test('the last label of a time axis has room for date and time', async () => {
  await browser.dashboard('/d/panels/panels?from=now-2d&to=now%2B1h');
  await browser.screenshot('two-days');
  for (const title of ['Lines', 'Timeline', 'History', 'Totals']) {
    const right = async (part: string) =>
      browser
        .panel(title)
        .locator(part)
        .first()
        .boundingBox()
        .then((box) => box!.x + box!.width);
    expect((await right('canvas')) - (await right('.u-over'))).toBeGreaterThanOrEqual(32);
  }
});

test.each([
  ['Bars', 'Bar chart', 'orientation', 'horizontal', { orientation: 'horizontal' }],
  ['Symlog', 'Y axis', 'yAxis.reverse', undefined, { yAxis: { reverse: true } }],
  ['Timeline', 'State timeline', 'showValue', 'Never', { showValue: 'never' }],
  ['History', 'Status history', 'showValue', 'Never', { showValue: 'never' }],
] as const)('options of %s are edited', async (title, group, option, choice, wanted) => {
  const { page } = browser;
  await browser.goto(`/d/panels/panels?editPanel=panel-${idOf(title)}`);
  await page.waitForSelector('[data-testid=panel-editor]');
  await browser.settled();
  const row = page.getByTestId(`option-${option}`);
  if (!(await row.isVisible())) {
    await page.getByRole('button', { name: group, exact: true }).click();
  }
  await row.scrollIntoViewIfNeeded();
  await (choice ? row.getByRole('radio', { name: choice, exact: true }) : row.locator('label').last()).click();
  await browser.settled();
  await browser.screenshot(`editor-${title}`);
  await page.getByTestId('apply-panel').click();
  await page.getByTestId('save-dashboard').click();
  await page.getByTestId('save-confirm').click();
  await page.getByText('Dashboard saved').waitFor();
  const { dashboard } = await program.api<{ dashboard: { panels: Array<{ id: number; options: object }> } }>('/api/dashboards/uid/panels');
  expect(dashboard.panels.find((p) => p.id === idOf(title))!.options).toMatchObject(wanted);
});

test('nothing complained', () => expect(browser.complaints).toEqual([]));
