import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

const series = 2000;
const dashboard = {
  uid: 'many',
  title: 'Many',
  schemaVersion: 42,
  time: { from: 'now-1m', to: 'now' },
  panels: [
    {
      id: 1,
      type: 'timeseries',
      title: 'Many series',
      gridPos: { x: 0, y: 0, w: 24, h: 16 },
      datasource: { type: 'prometheus', uid: 'prometheus' },
      targets: [{ refId: 'A', expr: 'many' }],
      interval: '1s',
      options: {
        tooltip: { mode: 'multi', sort: 'desc' },
        legend: { displayMode: 'table', placement: 'right', showLegend: true, calcs: ['lastNotNull', 'max'] },
      },
    },
  ],
};

let exporter: Server;
let program: Program;
let browser: Browser;

beforeAll(async () => {
  exporter = createServer((_, answer) =>
    answer
      .writeHead(200, { 'Content-Type': 'text/plain' })
      .end(Array.from({ length: series }, (_, i) => `many{number="${i}",instance_of="a thing with a name"} ${i + Math.random()}`).join('\n') + '\n')
  );
  await new Promise<void>((listening) => exporter.listen(0, '127.0.0.1', listening));
  const { port } = exporter.address() as AddressInfo;
  program = await Program.start({
    files: { 'prometheus.yml': `global: {scrape_interval: 1s}\nscrape_configs:\n- {job_name: many, static_configs: [{targets: ['127.0.0.1:${port}']}]}\n` },
  });
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard } });
  await until('every series has some samples', async () => ((await program.query('count(count_over_time(many[1m]) > 5)')) ?? 0) === series, 60_000);
  browser = await Browser.open(program, { width: 1400, height: 900 });
  await browser.login();
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  exporter?.close();
});

test('the pointer over a panel of 2,000 series is followed, and what is left out is said', async () => {
  const { page } = browser;
  await browser.dashboard('/d/many');
  await page.getByTestId('timeseries').locator('.u-over').waitFor();
  await page.evaluate(() => {
    const tasks: number[] = [];
    (window as unknown as { tasks: number[] }).tasks = tasks;
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' });
  });
  const plot = (await page.getByTestId('timeseries').locator('.u-over').boundingBox())!;
  const started = Date.now();
  for (let i = 0; i < 20; i++) {
    await page.mouse.move(plot.x + plot.width * (0.97 - i * 0.002), plot.y + plot.height / 2);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  }
  const took = Date.now() - started;
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  console.log(
    `20 movements over ${series} series: ${took} ms, the longest task ${Math.max(0, ...tasks)} ms, all long tasks ${tasks.reduce((a, b) => a + b, 0)} ms`
  );
  await page.getByText('40 of 300 series; a click shows all').waitFor();
  expect((await browser.report())[0]!.notices.join()).toContain(`300 of ${series} series are drawn`);
  await browser.screenshot('many-series');
  expect(browser.complaints).toEqual([]);
});

test('the legend has all 2,000 series, of which only those in sight are in the page', async () => {
  const { page } = browser;
  await browser.dashboard('/d/many');
  const legend = page.getByLabel(`Legend of ${series} series`);
  await legend.waitFor();
  const rows = legend.locator('[role=row][aria-rowindex]');
  expect(await rows.count()).toBeLessThan(100);
  await page.evaluate(() => {
    const tasks: number[] = [];
    (window as unknown as { tasks: number[] }).tasks = tasks;
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' });
  });
  for (let i = 1; i <= 20; i++) {
    await legend.evaluate((element, part) => element.scrollTo({ top: element.scrollHeight * part }), i / 20);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  }
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  console.log(`20 scrolls through the legend of ${series} series: the longest task ${Math.max(0, ...tasks)} ms`);
  await legend.locator(`[aria-rowindex="${series + 1}"]`).waitFor();
  expect(await rows.count()).toBeLessThan(100);

  // When sorted by maximum, the series with the largest number comes first.
  await legend.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
  await legend.getByRole('columnheader', { name: 'Max' }).getByRole('button').click();
  await legend.locator('[role=columnheader][aria-sort=descending]', { hasText: 'Max' }).waitFor();
  await legend.evaluate((element) => element.scrollTo({ top: 0 }));
  const first = legend.locator('[aria-rowindex="2"] button');
  await until('the largest is the first', async () => (await first.innerText()).includes(`number="${series - 1}"`));

  // It exceeds the number of drawn series until it is shown alone.
  expect(await first.getAttribute('title')).toContain('not among the 300');
  await first.click();
  const visible = async () => (await browser.report())[0]!.frames.flatMap((f) => f.fields.filter((field) => field.type === 'number' && !field.hidden));
  await until('it is alone', async () => (await visible()).length === 1);
  expect((await visible())[0]!.name).toContain(`number="${series - 1}"`);
  await browser.screenshot('many-series-one');
  await first.click();
  await until('all are there again', async () => (await visible()).length === series);
  expect(browser.complaints).toEqual([]);
});
