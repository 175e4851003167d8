import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { browser, inTheShop, more, pages, program, target } from './pages.world';
import { repository } from './program';

inTheShop();

describe('all pages', () => {
  test('each is there soon', async () => {
    mkdirSync(join(repository, 'test/e2e/out'), { recursive: true });
    writeFileSync(join(repository, 'test/e2e/out/pages.md'), 'page | cold | warm\n--- | --- | ---\n');
    const { page } = browser;
    const client = await page.context().newCDPSession(page);
    const took = async (usable: string, act: () => Promise<unknown>) => {
      const started = Date.now();
      await act();
      await page.locator(usable).first().waitFor();
      return Date.now() - started;
    };
    for (const [name, path, usable] of pages) {
      await client.send('Network.clearBrowserCache');
      const cold = await took(usable, () => browser.goto(path));
      // Warm: back navigation within the application, from the smallest possible page.
      await page.getByRole('button', { name: 'User admin' }).click();
      await page.getByRole('menuitem', { name: 'Profile' }).click();
      await page.waitForURL(/\/profile$/);
      const warm = await took(usable, () => page.goBack());
      appendFileSync(join(repository, 'test/e2e/out/pages.md'), `${name} | ${cold} ms | ${warm} ms\n`);
    }
  });

  test.each(['dark', 'light'] as const)('in the %s theme', async (theme) => {
    await browser.page.evaluate(
      async (t) => fetch('/api/user/preferences', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ theme: t }) }),
      theme
    );
    for (const [name, path, usable] of pages) {
      await browser.goto(path);
      await browser.page.locator(usable).first().waitFor();
      await browser.screenshot(`${theme}-page-${name}`);
      expect(await browser.unreadable(), name).toEqual([]);
    }
  });

  test('an address that is none has the frame, and a way back', async () => {
    const { page } = browser;
    const answer = await page.goto(`${program.url}/bogus/page`);
    expect(answer!.status()).toBe(404);
    await page.getByTestId('no-page').waitFor();
    await page.getByRole('navigation', { name: 'Main' }).getByText('Dashboards').click();
    await page.waitForURL(/\/dashboards$/);
  });

  test('on a phone none scrolls sideways', async () => {
    const { page } = browser;
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [name, path, usable] of [...pages, ...more]) {
      await browser.goto(path);
      await page.locator(usable).first().waitFor();
      await browser.screenshot(`phone-page-${name}`);
      expect(await page.evaluate(() => document.scrollingElement!.scrollWidth - innerWidth), name).toBeLessThanOrEqual(0);
    }
  });

  test('the keyboard opens the rules of a target', async () => {
    const { page } = browser;
    await browser.goto('/targets');
    await target('/wrong').waitFor();
    const button = target('/wrong').getByRole('button', { name: 'Relabelling' });
    for (let i = 0; i < 80 && !(await button.evaluate((e) => e === document.activeElement)); i++) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.getByTestId('relabelling').waitFor();
  });
});
