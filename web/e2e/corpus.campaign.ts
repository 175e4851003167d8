import { readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { compareWithApi } from './answers';
import { Browser } from './browser';
import { startGenerated } from './generate';
import { Program, repository, until } from './program';
import { snapshotOf } from './testdata';

// Checks every panel of every dashboard in a folder: DASHBOARDS=folder npm run corpus. The report is test/e2e/out/corpus.md.
const folder = process.env['DASHBOARDS']!;
const only = new RegExp(process.env['ONLY'] ?? '');

type Json = Record<string, unknown>;

const dashboards = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && only.test(name))
  .map((name, i) => ({ name, uid: `corpus-${i}`, json: prepared(readFileSync(join(folder, name), 'utf8')) }));

let program: Program;
let browser: Browser;
let generator: Awaited<ReturnType<typeof startGenerated>>['generator'];
/** All dashboards show the same two minutes, which have ended when the first one is opened. */
const span = 120_000;
let end = 0;
const lines = ['dashboard | panel | type | queries equal to the API | of another kind | outcome', '--- | --- | --- | --- | --- | ---'];

beforeAll(async () => {
  ({ program, generator } = await startGenerated(
    dashboards.map((d) => d.json),
    '3s'
  ));
  browser = await Browser.open(program, { width: 1400, height: 900 });
  await browser.login();
  await until('graphs have points', async () => ((await program.query('max(count_over_time(up{job="generated"}[5m]))')) ?? 0) > 30, 240_000);
  end = Date.now() - 10_000;
  for (const { json, uid } of dashboards) {
    const dashboard = { ...(withTestData(json, end - span, end) as Json), uid, id: null, title: uid };
    await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard, overwrite: true } });
  }
}, 400_000);

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  generator?.server.close();
  mkdirSync(join(repository, 'test/e2e/out'), { recursive: true });
  writeFileSync(join(repository, 'test/e2e/out/corpus.md'), `${lines.join('\n')}\n`);
});

test.each(dashboards.map((d) => [d.name, d.uid] as const))(
  '%s',
  async (name, uid) => {
    browser.complaints.length = 0;
    const reports = await browser.dashboard(`/d/${uid}/x?from=${end - span}&to=${end}`);
    const answers = await browser.page.evaluate(() => window.ausguckAnswers?.() ?? []);
    await browser.screenshot(`corpus-${name}`);
    const wrong: string[] = [];
    const silent: string[] = [];
    for (const [i, report] of reports.entries()) {
      const { equal, different, other } = await compareWithApi(program, answers[i]!);
      wrong.push(...different);
      const text = await browser.page
        .locator(`[data-viz-panel-key="${report.key}"]`)
        .first()
        .innerText({ timeout: 2000 })
        .catch(() => '');
      const says = [
        ...report.errors,
        ...report.notices,
        ...(report.hasData ? ['data'] : report.frames.some((f) => f.length > 0) ? ['nulls'] : []),
        ...text.split('\n').filter((line) => /no data|nothing|no value/i.test(line)),
      ];
      const outcome = says.length > 0 ? says.join('; ') : text.replace(report.title, '').trim() !== '' ? 'text' : 'SILENT';
      if (outcome === 'SILENT') {
        silent.push(`${report.title} (${report.type}, ${report.state})`);
      }
      lines.push([name, report.title, report.type, equal, other, outcome].map((cell) => String(cell).replace(/[|\n]/g, ' ')).join(' | '));
    }
    // These are also shown by the panel or the variable.
    expect(browser.complaints.filter((text) => !/data source \S+ was not found|SceneVariableSet updateAndValidate error/.test(text))).toEqual([]);
    expect(wrong).toEqual([]);
    expect(silent).toEqual([]);
  },
  180_000
);

/** Grafana's own test dashboards query its TestData source, whose responses are embedded in the dashboard. */
function withTestData(value: unknown, from: number, to: number): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => withTestData(each, from, to));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const panel = value as Json & { targets?: Json[] };
  const targets = panel.targets?.map((target) => (isTestData(panel, target) && snapshotOf(target, from, to, csvFile)) || target);
  const own = targets?.every((t) => t['queryType'] === 'snapshot') && { datasource: { type: 'datasource', uid: 'grafana' } };
  return { ...Object.fromEntries(Object.entries(panel).map(([key, each]) => [key, withTestData(each, from, to)])), ...(targets && { targets }), ...own };
}

function isTestData(panel: Json, target: Json): boolean {
  const { type, uid } = (target['datasource'] ?? panel['datasource'] ?? {}) as { type?: string; uid?: string };
  return 'scenarioId' in target || /testdata/.test(`${type} ${uid} ${String(target['datasource'] ?? panel['datasource'])}`);
}

function csvFile(name: string): string {
  return readFileSync(join(folder, 'csv', name.replace(/[^\w.-]/g, '')), 'utf8');
}

/** Replaces data sources that only the author has with those of this installation, as an import does. */
function prepared(text: string): Json {
  const chosen = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(chosen);
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, key === 'datasource' ? source(each) : chosen(each)]));
  };
  return chosen(JSON.parse(text)) as Json;
}

function source(value: unknown): unknown {
  const { type, uid } = (typeof value === 'object' && value !== null ? value : {}) as { type?: string; uid?: string };
  if (value === 'Metrics' || value === 'Prometheus' || (type === 'prometheus' && !uid?.startsWith('$'))) {
    return { type: 'prometheus', uid: 'prometheus' };
  }
  return value;
}
