import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

const axe = readFileSync(resolve(import.meta.dirname, '../node_modules/axe-core/axe.min.js'), 'utf8');

const dashboard = {
  uid: 'plain',
  title: 'Plain',
  schemaVersion: 42,
  time: { from: 'now-5m', to: 'now' },
  panels: [
    { id: 1, type: 'row', title: 'A row', gridPos: { x: 0, y: 0, w: 24, h: 1 }, collapsed: false, panels: [] },
    ...['timeseries', 'stat', 'table', 'gauge', 'logs', 'text'].map((type, i) => ({
      id: i + 2,
      type,
      title: `Panel ${type}`,
      gridPos: { x: (i % 3) * 8, y: 1 + Math.floor(i / 3) * 8, w: 8, h: 8 },
      datasource: { type: 'prometheus', uid: 'prometheus' },
      targets: [{ refId: 'A', expr: 'up' }],
      options: type === 'text' ? { mode: 'markdown', content: 'Some words' } : {},
    })),
  ],
};

/** The library's legend labels the button of a series "All series selected". */
const legendName = /^label-content-name-mismatch: .*LegendLabel/;

/** All pages, with an element that shows when each is loaded. */
const pages = [
  ['home', '/', '[data-testid=now][data-fine]'],
  ['dashboards', '/dashboards', 'main a'],
  ['dashboard', '/d/plain', '[data-viz-panel-key]'],
  ['editor', '/d/plain?editPanel=panel-2', '[data-testid=panel-editor]'],
  ['inspector', '/d/plain?inspect=panel-2', '[role=dialog]'],
  ['new dashboard', '/dashboard/new', '[data-testid=dashboard]'],
  ['import', '/dashboard/import', '.cm-content'],
  ['explore', '/explore?g0.expr=up&g0.range_input=5m&g0.tab=0', '[data-testid=graph][data-series]'],
  ['explore table', '/explore?g0.expr=up&g0.tab=1', 'main table, main [role=grid]'],
  ['alerts', '/alerts', 'main nav'],
  ['rules', '/alerts/rules', 'main nav'],
  ['silences', '/alerts/silences', 'main nav'],
  ['new silence', '/alerts/silences/new', 'main form'],
  ['status pages', '/alerts/status-pages', '[data-testid=status-event]'],
  ['notifications', '/alerts/notifications', 'main nav'],
  ['receivers', '/alerts/receivers', 'main nav'],
  ['targets', '/targets', '[data-testid=target]'],
  ['containers', '/targets/containers', 'main nav'],
  ['probes', '/targets/probes', 'main form'],
  ['heartbeats', '/targets/heartbeats', '[data-testid=heartbeat]'],
  ['dropped', '/targets/dropped', 'main nav'],
  ['status', '/admin/status', '[data-testid=part]'],
  ['series', '/admin/series', 'main nav'],
  ['configuration', '/admin/configuration', 'main pre'],
  ['queries', '/admin/queries', 'main nav'],
  ['settings', '/settings', 'main h1'],
  ['data sources', '/settings/datasources', '[data-testid=datasource]'],
  ['users', '/settings/users', '[data-testid=user]'],
  ['tokens', '/settings/tokens', '#account-name'],
  ['a status page', '/status-page/example', 'main form'],
  ['a link to subscribe', `/status-page/example/confirm?token=${'A'.repeat(26)}`, 'main form'],
  ['a link to unsubscribe', `/status-page/example/unsubscribe?token=${'A'.repeat(26)}`, 'main form'],
  ['documentation', '/docs/', 'main h1'],
  ['a page of it', '/docs/troubleshoot', 'main table'],
  ['runbooks', '/runbooks/', 'main h1'],
  ['no page', '/alerts/nowhere', 'main [data-testid=no-page]'],
] as const;

let program: Program;
let browser: Browser;

const newFolder = () => browser.page.getByRole('button', { name: 'New folder' }).click();

async function discard() {
  await browser.page.fill('#panel-title', 'Changed');
  await browser.page.getByRole('button', { name: 'Discard', exact: true }).click();
}

async function remove() {
  await browser.page.getByRole('button', { name: 'More' }).click();
  await browser.page.getByRole('menuitem', { name: 'Delete' }).click();
}

const rowMenu = (item: string) => async () => {
  await browser.page.getByRole('button', { name: 'Menu of row A row' }).click();
  await browser.page.getByRole('menuitem', { name: item, exact: true }).click();
};

async function leave() {
  const { page } = browser;
  await page.locator('[data-viz-panel-key="panel-7"]').hover();
  await page.keyboard.press('p');
  await page.keyboard.press('r');
  await page.getByRole('status', { name: /was removed/ }).waitFor();
  await page.getByRole('navigation', { name: 'Main' }).getByText('Alerts').click();
}

const palette = () => browser.page.keyboard.press('Control+k');
const help = () => browser.page.keyboard.press('?');

/** Confirmations: the action, how to open it, and the title of its dialog. */
const dialogs = [
  ['a new folder', '/dashboards', newFolder, 'New folder'],
  ['a changed panel', '/d/plain?editPanel=panel-2', discard, 'Discard the changes'],
  ['a dashboard that is deleted', '/d/plain', remove, 'Delete the dashboard'],
  ['a row that is renamed', '/d/plain', rowMenu('Rename'), 'Rename the row'],
  ['a row that is deleted', '/d/plain', rowMenu('Delete'), 'Delete the row'],
  ['the palette', '/d/plain', palette, 'Search'],
  ['the help', '/d/plain', help, 'Keyboard shortcuts'],
  ['a changed dashboard', '/d/plain', leave, 'Leave without saving'],
] as const;

const serious = ['critical', 'serious'];

/** Axe findings inside an element, one per line: the critical and serious ones, or those of other impacts, too. */
async function findings(part = 'html', impacts: string[] = serious): Promise<string> {
  const { page } = browser;
  // Injected through the browser's debugging protocol because the page's content security policy blocks other scripts.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    (context) =>
      (window as unknown as { axe: { run: (context: string, options: object) => Promise<AxeResults> } }).axe.run(context, { resultTypes: ['violations'] }),
    part
  );
  const found = violations
    .filter((v) => impacts.includes(v.impact ?? ''))
    .flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.html.slice(0, 400)} ${node.any.map((check) => check.message).join(' ')}`));
  return found.filter((text) => !legendName.test(text)).join('\n');
}

beforeAll(async () => {
  program = await Program.start({
    files: {
      'prometheus.yml': "global: {scrape_interval: 1s}\nscrape_configs:\n- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}\n",
      'status-pages.yml':
        'pages: [{name: example, public: true, subscribers: {receiver: mails}, groups: [{name: All, components: [{name: Metrics, job: prometheus}, {name: Off, expr: vector(0)}, {name: Half, expr: vector(0.5)}, {name: None, job: none}]}]}]\n',
    },
  });
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard } });
  await program.api('/api/ausguck/status-pages/example/incidents', { method: 'POST', body: { title: 'Delays', components: ['Off'], text: 'We look.' } });
  await program.api('/api/ausguck/heartbeats', { method: 'POST', body: { name: 'backup', every: '1d', labels: { team: 'storage' } } });
  await until('something is up', async () => (await program.query('up')) === 1, 60_000);
  browser = await Browser.open(program);
  await browser.login();
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
});

describe.each(['dark', 'light'] as const)('the %s theme', (theme) => {
  beforeAll(() =>
    browser.page.evaluate(
      async (t) =>
        void (await fetch('/api/user/preferences', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ theme: t }) })),
      theme
    )
  );

  test.each(pages)('%s has nothing that keeps people out', async (_, path, usable) => {
    const { page } = browser;
    await browser.goto(path);
    await page.locator(usable).first().waitFor();
    if (path.startsWith('/d/') || path === '/') {
      await browser.settled();
    }
    // Visitors of a status page did not choose it, so it has no finding at all.
    expect(await findings('html', path.startsWith('/status-page/') ? [...serious, 'moderate', 'minor'] : serious)).toBe('');
  });

  test.each(dialogs)('%s asks in a dialog that the keyboard answers', async (_, path, open, words) => {
    const { page } = browser;
    // Mark a changed dashboard as saved so that the browser does not ask for confirmation when leaving it.
    await page.evaluate(() =>
      (window as { __grafanaSceneContext?: { setState: (state: object) => void } }).__grafanaSceneContext?.setState({ isDirty: false })
    );
    await browser.goto(path);
    if (path === '/d/plain') {
      await browser.settled();
    }
    await open();
    const dialog = page.getByRole('dialog', { name: words });
    await dialog.waitFor();
    expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true);
    // The page behind a modal dialog is dimmed and inactive, so its contrast is not checked.
    expect(await findings('[role=dialog]')).toBe('');
    await browser.screenshot(`dialog-${words}-${theme}`);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(page.url()).toContain(path);
  });
});

test('Enter says yes: a folder comes into being, a panel is left, a dashboard goes', async () => {
  const { page } = browser;
  await browser.goto('/dashboards');
  await newFolder();
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'By keyboard' }).waitFor();

  await browser.goto('/d/plain?editPanel=panel-2');
  await discard();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  await page.getByTestId('panel-editor').waitFor({ state: 'detached' });

  await browser.goto('/d/plain');
  await remove();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Enter');
  await until('the dashboard is gone', () => page.url().endsWith('/dashboards'));
  expect((await program.api<unknown[]>('/api/search?query=Plain')).length).toBe(0);
});
