import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { PanelReport } from '../src/dashboard/report';
import { compareWithApi } from './answers';
import { Browser } from './browser';
import { startGenerated } from './generate';
import { Program, repository, until } from './program';

const shared = resolve(repository, '../shared');
const files = [
  ...readdirSync(join(shared, 'dashboards'))
    .filter((f) => f.endsWith('.json'))
    .map((f) => join(shared, 'dashboards', f)),
  join(shared, 'original/dashboard.json'),
];
const dashboards = files.map((file) => ({ file, json: JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> }));

let program: Program;
let browser: Browser;
let generator: Awaited<ReturnType<typeof startGenerated>>['generator'];

beforeAll(async () => {
  ({ program, generator } = await startGenerated(
    dashboards.map((d) => d.json),
    '1s',
    Object.fromEntries(dashboards.map(({ file, json }) => [`grafana/dashboards/${file.split('/').pop()}`, JSON.stringify(json)]))
  ));
  browser = await Browser.open(program, { width: 1400, height: 900 });
  await browser.login();
  await until('graphs have two points', async () => ((await program.query('min(count_over_time(node_load1[1m]))')) ?? 0) > 20, 60_000);
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  generator?.server.close();
});

interface Hit {
  uid: string;
  title: string;
  url: string;
}

const table: string[] = ['dashboard | panels | with data | queries equal to the API | notices | errors', '--- | --- | --- | --- | --- | ---'];

afterAll(() => {
  const out = join(repository, 'test/e2e/out');
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'dashboards.md'), `${table.join('\n')}\n`);
});

describe('every shared dashboard', () => {
  test.each(
    dashboards.map(({ file, json }) => [file.split('/').pop()!, ((json['dashboard'] as { title?: string } | undefined)?.title ?? json['title']) as string])
  )(
    '%s',
    async (_, title) => {
      const hits = await program.api<Hit[]>(`/api/search?type=dash-db&query=${encodeURIComponent(title)}`);
      const hit = hits.find((h) => h.title === title);
      expect(hit, `${title} is listed`).toBeDefined();
      browser.complaints.length = 0;
      let reports: PanelReport[] = [];
      let without: string[] = [];
      // A panel has no points until its step has passed: docker_containers.json uses ten times 15 s, i.e. two and a
      // half minutes.
      await until(
        'all panels have data',
        async () => {
          reports = await browser.dashboard(`${hit!.url}?from=now-5m&to=now`);
          without = reports.filter((r) => !r.hasData).map((r) => r.title);
          return without.length === 0;
        },
        180_000
      ).catch(() => undefined);
      await browser.screenshot(`dashboard-${title}`);

      const shown = reports.filter((r) => r.hasData);
      expect(without).toEqual([]);
      const empty = await emptyButAnswered(reports);
      const { equal, different } = await comparison();
      table.push(
        `${title} | ${reports.length} | ${shown.length} | ${equal} | ${reports.filter((r) => r.notices.length > 0).length} | ${reports.filter((r) => r.errors.length > 0).length}`
      );
      expect(browser.complaints).toEqual([]);
      expect(reports.length).toBeGreaterThan(0);
      expect(reports.filter((r) => r.type === 'unknown')).toEqual([]);
      expect(reports.filter((r) => r.errors.length > 0).map(brief)).toEqual([]);
      expect(empty).toEqual([]);
      expect(different).toEqual([]);
      expect(equal).toBeGreaterThan(0);
    },
    240_000
  );
});

/** Compares the results of all panels with the standard API, for a range in the past. */
async function comparison() {
  const url = new URL(browser.page.url());
  const to = Date.now() - 10_000;
  await browser.dashboard(`${url.pathname}?from=${to - 300_000}&to=${to}`);
  const total = { equal: 0, different: [] as string[] };
  for (const panel of await browser.page.evaluate(() => window.ausguckAnswers?.() ?? [])) {
    const { equal, different } = await compareWithApi(program, panel);
    total.equal += equal;
    total.different.push(...different);
  }
  return total;
}

function brief(r: PanelReport): string {
  return `${r.title} (${r.type}): ${r.errors.join('; ')}`;
}

/** Panels that show "N/A" or "No data" although their frames have values. */
async function emptyButAnswered(reports: PanelReport[]): Promise<string[]> {
  const empty: string[] = [];
  for (const report of reports.filter((r) => r.hasData)) {
    const finite = report.frames.some((f) =>
      f.fields.some((field) => field.type === 'number' && !/^(NaN|Inf|-Inf|N\/A|null|undefined|No data|)$/.test(field.last))
    );
    const text = await browser.page.locator(`[data-viz-panel-key="${report.key}"]`).innerText();
    if (finite && /^(N\/A|No data)$/m.test(text) && report.frames.length === 1) {
      empty.push(`${report.title}: ${text}`);
    }
  }
  return empty;
}
