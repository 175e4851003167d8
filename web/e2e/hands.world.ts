import { afterAll, beforeAll, beforeEach, expect } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

export type Panel = { id: number; type: string; title: string; collapsed?: boolean; gridPos: { x: number; y: number; w: number; h: number }; panels?: Panel[] };

const datasource = { type: 'prometheus', uid: 'prometheus' };
export const panel = (id: number, x: number, y: number, more: object = {}) => ({
  id,
  type: 'timeseries',
  title: `Panel ${id}`,
  gridPos: { x, y, w: 8, h: 5 },
  datasource,
  targets: [{ refId: 'A', expr: `up * ${id}` }],
  options: { legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] } },
  fieldConfig: { defaults: {}, overrides: [] },
  ...more,
});
export const row = (id: number, y: number, more: object = {}) => ({
  id,
  type: 'row',
  title: `Row ${id}`,
  gridPos: { x: 0, y, w: 24, h: 1 },
  collapsed: false,
  panels: [],
  ...more,
});

/** Three panels, an open row with two panels and a collapsed one with one. */
export const board = (uid: string) => ({
  uid,
  title: `Board ${uid}`,
  schemaVersion: 42,
  time: { from: 'now-5m', to: 'now' },
  templating: { list: [{ name: 'n', type: 'custom', query: 'a,b', current: { value: ['a', 'b'], text: ['a', 'b'] }, multi: true }] },
  panels: [
    panel(1, 0, 0),
    panel(2, 8, 0),
    panel(3, 16, 0),
    row(4, 5),
    panel(5, 0, 6),
    panel(6, 8, 6),
    row(7, 11, { collapsed: true, panels: [panel(8, 0, 12)] }),
  ],
});

export let program: Program;
export let browser: Browser;
/** The expressions queried since the last check. */
export let asked: string[] = [];

/** Starts one program for the file, and two fresh dashboards and a browser for each test. */
export function withBoards() {
  beforeAll(async () => {
    program = await Program.start({
      files: {
        'prometheus.yml': "global: {scrape_interval: 1s}\nscrape_configs:\n- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}\n",
      },
    });
    await program.api('/api/admin/users', {
      method: 'POST',
      body: { login: 'vera', name: 'Vera', email: 'vera@example.org', password: 'viewer password 1', OrgId: 1 },
    });
    const user = await program.api<{ id: number }>('/api/users/lookup?loginOrEmail=vera');
    await program.api(`/api/org/users/${user.id}`, { method: 'PATCH', body: { role: 'Viewer' } });
    await until('graphs have two points', async () => ((await program.query('count_over_time(up[1m])')) ?? 0) > 32, 60_000);
  });

  afterAll(() => program?.stop());

  beforeEach(async ({ task }) => {
    for (const uid of ['one', 'two']) {
      await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard: board(uid), overwrite: true } });
    }
    browser = await Browser.open(program, { width: 1400, height: 1000 });
    browser.page.on('request', (request) => {
      if (/\/api\/(ds|ausguck)\/query/.test(request.url())) {
        asked.push(...[...(request.postData() ?? '').matchAll(/"expr":"([^"]*)"/g)].map(([, expr]) => expr!));
      }
    });
    return async () => {
      await browser.screenshot(`hands-${task.name}`);
      const { complaints } = browser;
      await browser.close();
      expect(complaints).toEqual([]);
    };
  });
}

/** Ignores the queries so far. */
export const forget = () => void (asked = []);

export async function open(uid = 'one', user?: [string, string]) {
  await browser.login(...(user ?? []));
  await browser.goto(`/d/${uid}`);
  await browser.page.waitForSelector('[data-testid=dashboard]');
  await browser.settled();
  forget();
}

export const heading = (name: string) => browser.page.getByRole('heading', { name, exact: true });

/** The names of the panels and rows on screen, in reading order. */
export async function order(): Promise<string[]> {
  const found = await browser.page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('.react-grid-item:not(.react-grid-placeholder)')].map((item) => {
      const { left, top } = item.getBoundingClientRect();
      const key = item.getAttribute('data-griditem-key')!;
      return { key: key.replace(/^grid-item-/, ''), left, top: Math.round(top) };
    })
  );
  return found.sort((a, b) => a.top - b.top || a.left - b.left).map(({ key }) => key.replace('panel-', ''));
}

export const hasOrder = (...wanted: Array<number | string>) =>
  until(`the order is ${wanted.join(' ')}`, async () => (await order()).join(' ') === wanted.join(' ')).catch(async (err: Error) => {
    throw new Error(`${err.message}; it is ${(await order()).join(' ')}`);
  });

/** Drags a panel by its header, or a row by its handle, and drops it with its corner at the corner of a panel or elsewhere. */
export async function drag(from: { x: number; y: number }, to: { x: number; y: number }) {
  const { mouse } = browser.page;
  await mouse.move(from.x, from.y);
  await mouse.down();
  await mouse.move(from.x + 10, from.y + 10, { steps: 2 });
  await mouse.move(to.x, to.y, { steps: 12 });
  await mouse.move(to.x, to.y);
  await mouse.up();
}

/** The middle of a panel's header, away from its title and menu. */
export async function header(title: string) {
  const box = (await browser.panel(title).boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + 12 };
}

export async function saved(uid = 'one'): Promise<Panel[]> {
  return (await program.api<{ dashboard: { panels: Panel[] } }>(`/api/dashboards/uid/${uid}`)).dashboard.panels;
}

export const places = (panels: Panel[]): string[] =>
  panels.flatMap((p) => [`${p.id}@${p.gridPos.x},${p.gridPos.y} ${p.gridPos.w}x${p.gridPos.h}`, ...places(p.panels ?? []).map((inner) => ` ${inner}`)]);

export async function save() {
  const { page } = browser;
  await page.getByTestId('save-dashboard').click();
  await page.getByTestId('save-confirm').click();
  await page.getByText('Dashboard saved').waitFor();
}

export async function keys(title: string, ...pressed: string[]) {
  const { x, y } = await header(title);
  await browser.page.mouse.move(x, y);
  for (const key of pressed) {
    await browser.page.keyboard.press(key);
  }
}

export async function menuOf(title: string, ...items: string[]) {
  const { page } = browser;
  await browser.panel(title).hover();
  await page
    .getByRole('button', { name: `Menu for panel ${title}` })
    .or(page.getByTestId(`data-testid Panel menu ${title}`))
    .first()
    .click();
  for (const item of items) {
    await page.getByRole('menuitem', { name: item }).click();
  }
}

export async function rowMenu(title: string, item: string) {
  await browser.page.getByRole('button', { name: `Menu of row ${title}` }).click();
  await browser.page.getByRole('menuitem', { name: item, exact: true }).click();
}

export const undo = () => browser.page.keyboard.press('Control+z');
export const redo = () => browser.page.keyboard.press('Control+Shift+z');
