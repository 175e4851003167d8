import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program } from './program';

// A long-term store is provisioned beside the built-in Prometheus, which answers for it here.
let program: Program;
let browser: Browser;

beforeAll(async () => {
  program = await Program.start({
    files: {
      'grafana/provisioning/datasources/stores.yml': `apiVersion: 1
datasources:
- {name: Thanos, uid: thanos, type: prometheus, url: 'http://prometheus:9090', isDefault: true}
- {name: Prometheus, uid: prometheus, type: prometheus, url: 'http://prometheus:9090'}
`,
    },
  });
  browser = await Browser.open(program);
  await browser.login();
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
});

test('a new query of Explore starts at the default data source and stays there, and a link of an alert asks the built-in one', async () => {
  const { page } = browser;
  const source = page.getByLabel('Data source');
  await browser.goto('/explore');
  await expect.poll(() => source.inputValue()).toBe('Thanos');
  await page.locator('.cm-content').fill('up');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect.poll(() => page.url()).toContain('source=thanos');
  expect(await source.inputValue()).toBe('Thanos');
  await browser.screenshot('explore-store');

  await source.click();
  await page.getByRole('option', { name: /^Prometheus/ }).click();
  await expect.poll(() => source.inputValue()).toBe('Prometheus');
  await browser.goto('/explore');
  await expect.poll(() => source.inputValue()).toBe('Thanos');
  await source.click();
  await page.getByRole('option', { name: /^Prometheus/ }).click();
  await expect.poll(() => source.inputValue()).toBe('Prometheus');

  await browser.goto('/graph?g0.expr=up&g0.tab=0');
  await expect.poll(() => source.inputValue()).toBe('Prometheus');
  expect(browser.complaints).toEqual([]);
});

test('a new panel asks the default data source', async () => {
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard: { uid: 'empty', title: 'Empty', schemaVersion: 42, panels: [] } } });
  const { page } = browser;
  await browser.goto('/d/empty/empty');
  await page.getByLabel('Add panel').click();
  await expect.poll(() => page.getByLabel('Data source').first().inputValue()).toBe('Thanos');
  expect(browser.complaints).toEqual([]);
});
