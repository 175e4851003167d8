import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, until } from './program';

// What users see right after the installation: every panel of a built-in dashboard shows data or says why it does not.

let program: Program;
let browser: Browser;

beforeAll(async () => {
  program = await Program.start({});
  browser = await Browser.open(program, { width: 1400, height: 900 });
  await browser.login();
  await until('the first scrapes', async () => ((await program.query('sum(up)')) ?? 0) > 2, 60_000);
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await program?.stop();
});

test('no panel of a fresh installation is empty without a reason', async () => {
  const dashboards = (await program.api('/api/search?type=dash-db')) as Array<{ uid: string; title: string }>;
  expect(dashboards.length).toBeGreaterThan(5);
  const silent: string[] = [];
  for (const { uid, title } of dashboards) {
    for (const report of await browser.dashboard(`/d/${uid}/x`)) {
      const text = report.hasData ? '' : await browser.page.locator(`[data-viz-panel-key="${report.key}"]`).first().innerText();
      if (/no data/i.test(text)) {
        silent.push(`${title}: ${report.title}`);
      }
    }
    // Its range fits what there is, or graphs would be a thin line at their right edge.
    expect(await browser.page.getByTestId('data-testid TimePicker Open Button').innerText()).toBe('Last 5 minutes');
    await browser.screenshot(`fresh-${uid}`);
  }
  expect(silent).toEqual([]);
}, 180_000);
