import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { PanelReport } from '../src/dashboard/report';
import { Browser } from './browser';
import { Program, until } from './program';
import { cases, metrics, variables } from './values.cases';

let program: Program;
let browser: Browser;
let server: Server;
let reports: PanelReport[];

beforeAll(async () => {
  server = createServer((_, response) => response.setHeader('Content-Type', 'text/plain; version=0.0.4').end(metrics));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  program = await Program.start({
    files: { 'prometheus.yml': `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: fixed, static_configs: [{targets: ['127.0.0.1:${port}']}]}]\n` },
  });
  const panels = cases.map(({ name, panel }, i) => ({
    id: i + 1,
    title: name,
    gridPos: { x: (i % 3) * 8, y: Math.floor(i / 3) * 9, w: 8, h: 9 },
    datasource: { type: 'prometheus', uid: 'prometheus' },
    ...panel,
  }));
  await program.api('/api/dashboards/db', {
    method: 'POST',
    body: {
      dashboard: {
        uid: 'values',
        title: 'Values',
        schemaVersion: 42,
        timezone: 'utc',
        time: { from: 'now-5m', to: 'now' },
        templating: { list: variables },
        panels,
      },
    },
  });
  await until('there are samples for a graph', async () => ((await program.query('count_over_time(zero[1m])')) ?? 0) > 18, 60_000);
  browser = await Browser.open(program, { width: 1500, height: 900 });
  await browser.login();
  reports = await browser.dashboard('/d/values/values');
  await browser.screenshot('values');
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  server?.close();
});

describe('a panel shows what Grafana shows', () => {
  test.each(cases.map((c, i) => [c.name, c, `panel-${i + 1}`] as const))('%s', async (name, { values = {}, shown = [], hidden = [] }, key) => {
    const report = reports.find((r) => r.key === key)!;
    expect(report.errors).toEqual([]);
    const fields = report.frames.flatMap((f) => f.fields.filter((field) => field.type !== 'time'));
    for (const [field, text] of Object.entries(values)) {
      expect(fields.map((f) => [f.name, f.last])).toContainEqual([field, text]);
    }
    const text = await browser.page
      .locator(`[data-viz-panel-key="${report.key}"]`)
      .evaluate((element) => (element as HTMLElement).innerText + [...element.querySelectorAll('svg text')].map((e) => e.textContent).join('\n'));
    for (const part of shown) {
      expect(text.replace(/\s+/g, ' ')).toContain(part);
    }
    for (const part of hidden) {
      expect(text.replace(name, '')).not.toContain(part);
    }
  });

  test('nothing complained', () => expect(browser.complaints).toEqual([]));
});
