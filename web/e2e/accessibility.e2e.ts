import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

const axe = readFileSync(resolve(import.meta.dirname, '../node_modules/axe-core/axe.min.js'), 'utf8');

const dashboard = {
  uid: 'plain', title: 'Plain', schemaVersion: 42, time: { from: 'now-5m', to: 'now' },
  panels: [
    { id: 1, type: 'row', title: 'A row', gridPos: { x: 0, y: 0, w: 24, h: 1 }, collapsed: false, panels: [] },
    ...['timeseries', 'stat', 'table', 'gauge', 'logs', 'text'].map((type, i) => ({
      id: i + 2, type, title: `Panel ${type}`, gridPos: { x: (i % 3) * 8, y: 1 + Math.floor(i / 3) * 8, w: 8, h: 8 }, datasource: { type: 'prometheus', uid: 'prometheus' }, targets: [{ refId: 'A', expr: 'up' }],
      options: type === 'text' ? { mode: 'markdown', content: 'Some words' } : {},
    })),
  ],
};

/** The library's legend names the button of a series "All series selected". */
const legendName = /^label-content-name-mismatch: .*LegendLabel/;

/** Every page, and what it shows once it is there. */
const pages = [
  ['home', '/', '[data-testid=now][data-fine]'], ['dashboards', '/dashboards', 'main a'], ['dashboard', '/d/plain', '[data-viz-panel-key]'], ['editor', '/d/plain?editPanel=panel-2', '[data-testid=panel-editor]'],
  ['inspector', '/d/plain?inspect=panel-2', '[role=dialog]'], ['new dashboard', '/dashboard/new', '[data-testid=dashboard]'], ['import', '/dashboard/import', '.cm-content'],
  ['explore', '/explore?g0.expr=up&g0.range_input=5m&g0.tab=0', '[data-testid=graph][data-series]'], ['explore table', '/explore?g0.expr=up&g0.tab=1', 'main table, main [role=grid]'],
  ['alerts', '/alerts', 'main nav'], ['rules', '/alerts/rules', 'main nav'], ['silences', '/alerts/silences', 'main nav'], ['new silence', '/alerts/silences/new', 'main form'],
  ['notifications', '/alerts/notifications', 'main nav'], ['receivers', '/alerts/receivers', 'main nav'],
  ['targets', '/targets', '[data-testid=target]'], ['containers', '/targets/containers', 'main nav'], ['dropped', '/targets/dropped', 'main nav'],
  ['status', '/admin/status', '[data-testid=part]'], ['series', '/admin/series', 'main nav'], ['configuration', '/admin/configuration', 'main pre'], ['queries', '/admin/queries', 'main nav'],
  ['settings', '/settings', 'main h1'], ['data sources', '/settings/datasources', '[data-testid=datasource]'], ['users', '/settings/users', '[data-testid=user]'], ['tokens', '/settings/tokens', '#account-name'], ['no page', '/alerts/nowhere', 'main [data-testid=no-page]'],
] as const;

let program: Program;
let browser: Browser;

beforeAll(async () => {
  program = await Program.start({ files: { 'prometheus.yml': "global: {scrape_interval: 1s}\nscrape_configs:\n- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}\n" } });
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard } });
  await until('something is up', async () => (await program.query('up')) === 1, 60_000);
  browser = await Browser.open(program);
  await browser.login();
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
});

describe.each(['dark', 'light'] as const)('the %s theme', (theme) => {
  beforeAll(() => browser.page.evaluate(async (t) => void (await fetch('/api/user/preferences', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ theme: t }) })), theme));

  test.each(pages)('%s has nothing that keeps people out', async (_, path, usable) => {
    const { page } = browser;
    await browser.goto(path);
    await page.locator(usable).first().waitFor();
    if (path.startsWith('/d/') || path === '/') {
      await browser.settled();
    }
    // By the protocol of the browser, since the page's policy lets no other script in.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe.run({ resultTypes: ['violations'] }));
    const grave = violations.filter((v) => v.impact === 'critical' || v.impact === 'serious');
    const found = grave.flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.html.slice(0, 200)}`)).filter((text) => !legendName.test(text));
    expect(found.join('\n')).toBe('');
  });
});
