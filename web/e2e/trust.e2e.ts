import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

const config = `global: {scrape_interval: 1s}
scrape_configs:
- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}
`;
/** A second Prometheus that comes first alphabetically and does not respond. */
const sources = `apiVersion: 1
datasources: [{name: A first one, type: prometheus, uid: afirst, url: 'http://127.0.0.1:1'}]
`;

const fields = (defaults: object) => ({ fieldConfig: { defaults, overrides: [] } });
const unknown = [
  { title: 'Transformation', transformations: [{ id: 'spatial', options: {} }] },
  { title: 'Calculation', options: { reduceOptions: { calcs: ['nosuch', 'lastNotNull'] } } },
  {
    title: 'Query',
    targets: [
      { refId: 'A', expr: 'up' },
      { refId: 'B', rawSql: 'SELECT 1' },
    ],
  },
  { title: 'Source', datasource: { type: 'prometheus', uid: 'nosuch' } },
  { title: 'Source without data', datasource: { type: 'prometheus', uid: 'nosuch' }, targets: [{ refId: 'A', expr: 'absent_metric' }] },
  { title: 'Source of a type', datasource: { type: 'influxdb', uid: 'nosuch' } },
  {
    title: 'Source in mixed',
    datasource: { type: 'datasource', uid: '-- Mixed --' },
    targets: [{ refId: 'A', expr: 'up', datasource: { type: 'influxdb', uid: 'nosuch' } }],
  },
  {
    title: 'Panel of no panel',
    datasource: { type: 'datasource', uid: '-- Dashboard --' },
    targets: [{ refId: 'A', panelId: 999, datasource: { type: 'datasource', uid: '-- Dashboard --' } }],
  },
  { title: 'Unit', ...fields({ unit: 'nosuch' }) },
  { title: 'Matcher', fieldConfig: { defaults: {}, overrides: [{ matcher: { id: 'nosuch', options: 'x' }, properties: [{ id: 'unit', value: 's' }] }] } },
  {
    title: 'Property',
    fieldConfig: { defaults: {}, overrides: [{ matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'custom.nosuch', value: 1 }] }] },
  },
  { title: 'Field option', type: 'timeseries', ...fields({ custom: { nosuch: 1 } }) },
  { title: 'Color mode', ...fields({ color: { mode: 'nosuch' } }) },
  { title: 'Mapping', ...fields({ mappings: [{ type: 'nosuch', options: { a: 1 } }] }) },
  { title: 'Panel type', type: 'nosuch-panel' },
];
const panels = unknown.map((panel, i) => ({
  id: i + 1,
  type: 'stat',
  gridPos: { x: (i % 6) * 4, y: Math.floor(i / 6) * 5, w: 4, h: 5 },
  datasource: { type: 'prometheus', uid: 'prometheus' },
  targets: [{ refId: 'A', expr: 'up' }],
  ...panel,
}));

let program: Program;
let browser: Browser;

beforeAll(async () => {
  program = await Program.start({ files: { 'prometheus.yml': config, 'grafana/datasources/first.yml': sources } });
  await program.api('/api/dashboards/db', {
    method: 'POST',
    body: { dashboard: { uid: 'unknown', title: 'Unknown', schemaVersion: 42, time: { from: 'now-5m', to: 'now' }, panels } },
  });
  await until('something is up', async () => (await program.query('up')) === 1, 60_000);
  browser = await Browser.open(program, { width: 1600, height: 1000 });
  await browser.login();
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
});

describe('nothing that is left out is silent', () => {
  beforeAll(async () => {
    await browser.dashboard('/d/unknown/x');
    await browser.screenshot('unknown-things');
  });
  test.each(unknown.map((panel) => panel.title))('%s', async (title) => {
    const report = (await browser.report()).find((r) => r.title === title)!;
    expect([...report.errors, ...report.notices].join(' ')).toMatch(/nosuch|spatial|rawSql|999/);
    // The header has an icon for it, or the panel itself shows the reason.
    const said = browser.panel(title).locator('[aria-label*="nosuch"], [aria-label*="spatial"], [aria-label*="rawSql"], [role=alert]');
    expect(await said.count()).toBeGreaterThan(0);
  });
});

test('the default source answers for built-in dashboards, whatever else there is', async () => {
  await browser.dashboard('/');
  const errors = (await browser.report()).flatMap((r) => r.errors);
  expect(errors).toEqual([]);
  await browser.dashboard('/d/ausguck-host');
  expect(await browser.page.evaluate(() => new URL(location.href).searchParams.get('var-datasource'))).not.toBe('afirst');
});

test('a new dashboard is saved without a question, and has its address', async () => {
  const { page } = browser;
  const asked: string[] = [];
  const answer = (dialog: { message: () => string; accept: () => Promise<void> }) => {
    asked.push(dialog.message());
    void dialog.accept();
  };
  page.on('dialog', answer);
  await browser.goto('/dashboard/new');
  await page.getByText('Add panel', { exact: true }).click();
  await page.getByTestId('apply-panel').click();
  await page.getByTestId('save-dashboard').click();
  await page.getByTestId('save-title').fill('Saved once');
  await page.getByTestId('save-confirm').click();
  await page.waitForURL(/\/d\/[^/]+\/saved-once/);
  await browser.goto('/dashboards');
  page.off('dialog', answer);
  expect(asked).toEqual([]);
});

test('a session that ends while a dashboard is edited loses nothing', async () => {
  const { page } = browser;
  await browser.goto('/dashboard/new');
  await page.getByText('Add panel', { exact: true }).click();
  await page.locator('#panel-title').fill('Worth keeping');
  const cookies = await page.context().cookies();
  await page.context().clearCookies();
  await page.getByTestId('apply-panel').click(); // its queries are rejected, too
  await page.getByTestId('save-dashboard').click();
  await page.getByTestId('save-title').fill('Not lost');
  await page.getByTestId('save-confirm').click();
  await page.getByText('Your session has expired').first().waitFor();
  expect(await page.getByRole('link', { name: 'Log in on another tab' }).getAttribute('href')).toBe('/login');
  await browser.screenshot('session-ended');
  await page.context().addCookies(cookies);
  await page.getByTestId('save-confirm').click();
  await page.waitForURL(/\/d\/[^/]+\/not-lost/);
  await page.getByRole('heading', { name: 'Worth keeping' }).waitFor();
});

test('an import asks before it replaces', async () => {
  const { page } = browser;
  await browser.goto('/dashboard/import');
  await page.locator('.cm-content').click();
  await page.keyboard.insertText(JSON.stringify({ uid: 'unknown', title: 'Another', version: 1, panels: [] }));
  await page.getByTestId('import-replace').waitFor();
  await browser.screenshot('import-replaces');
  expect(await page.getByTestId('import-confirm').count()).toBe(0);
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(JSON.stringify({ uid: 'free', title: 'Another', panels: [] }));
  await page.getByTestId('import-confirm').click();
  await page.waitForURL(/\/d\/free\//);
  expect((await program.api<{ dashboard: { title: string } }>('/api/dashboards/uid/unknown')).dashboard.title).toBe('Unknown');
});

test('code that does not load leaves the page usable', async () => {
  const { page } = browser;
  await browser.goto('/dashboards');
  await page.getByRole('link', { name: 'Targets', exact: true }).waitFor();
  await page.route(/public\/build\/.*\.js/, (route) => route.fulfill({ status: 404, body: 'not found' }));
  await page.getByRole('link', { name: 'Targets', exact: true }).click();
  await page.getByText('Part of this page failed to load').waitFor();
  await browser.screenshot('missing-code');
  await page.unroute(/public\/build\/.*\.js/);
  await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Reload the page' }).click()]);
  await page.getByText('prometheus:9090').first().waitFor();
});

test('with the server gone, home and panels say so and nothing is green', async () => {
  const { page } = browser;
  await browser.dashboard('/?refresh=5s');
  await page.getByTestId('now').waitFor();
  await program.stop();
  await page
    .getByTestId('now')
    .getByText(/cannot be reached since \d\d:\d\d/)
    .waitFor({ timeout: 30_000 });
  // Alert lists and dashboard lists send their own requests.
  const waiting = async () =>
    (await browser.report())
      .filter((r) => !['NotStarted', 'Error'].includes(r.state) && !['text', 'alertlist', 'dashlist'].includes(r.type))
      .map((r) => `${r.title} ${r.state}`);
  await until('all panels in sight have failed', async () => (await waiting()).length === 0, 30_000).catch(async () => expect(await waiting()).toEqual([]));
  await browser.screenshot('server-gone');
  expect(await page.getByTestId('now').getAttribute('data-fine')).toBe('false');
  expect(await page.getByText('All good').count()).toBe(0);
  for (const text of ['no host', 'No targets: add a job']) {
    expect(await page.locator('main').getByText(text).count()).toBe(0);
  }
});
