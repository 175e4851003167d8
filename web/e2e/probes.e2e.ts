import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { freePort, Program, until } from './program';

let program: Program;
let browser: Browser;
let shop: Server;
let port: number;

const open = () =>
  new Promise<void>((done) => {
    shop = createServer((_, response) => response.end('welcome'));
    shop.listen(port, '127.0.0.1', done);
  });
const close = () => new Promise((done) => shop.close(done).closeAllConnections());

beforeAll(async () => {
  port = await freePort();
  await open();
  program = await Program.start({ args: ['--no-cadvisor', '--no-node-exporter', '--no-log-collector'] });
  browser = await Browser.open(program);
  await browser.login();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  await close();
});

const probe = (state: string) => browser.page.locator(`[data-testid=probe][data-state=${state}]`);

test('a URL is watched with three clicks; an outage is an alert within a minute, and ends', { timeout: 240_000 }, async () => {
  const { page } = browser;
  await browser.goto('/');
  await page.getByRole('link', { name: 'Targets', exact: true }).first().click();
  await page.getByRole('navigation', { name: 'Targets' }).getByRole('link', { name: 'Probes' }).click();
  await page.getByText('Nothing is probed').waitFor();
  await page.getByRole('textbox', { name: 'Watch a URL' }).fill(`http://127.0.0.1:${port}/`);
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await probe('up').waitFor({ timeout: 60_000 });
  await until('it knows the availability', async () => (await probe('up').innerText()).includes('100 % of the last day'), 30_000);
  await probe('up').getByRole('button', { name: 'Probe now' }).click();
  await page
    .getByLabel(/^Log of a probe/)
    .getByText('probe_success 1')
    .waitFor();
  await browser.screenshot('probes');

  await close();
  const begun = Date.now();
  await probe('down').waitFor({ timeout: 60_000 });
  await until('an alert', async () => (await program.query(`ALERTS{alertname="ProbeDown", probe="127.0.0.1:${port}", alertstate="firing"}`)) === 1, 60_000);
  expect(Date.now() - begun).toBeLessThan(90_000);
  await browser.goto('/alerts');
  await page.getByText(`127.0.0.1:${port} is down`).first().waitFor();
  await browser.goto('/targets/probes?state=down');
  await probe('down').getByText('connection refused').waitFor();
  await browser.screenshot('probes-down');

  await open();
  await probe('down').waitFor({ state: 'detached', timeout: 60_000 });
  await browser.goto('/targets/probes');
  await until('the alert has ended', async () => (await program.query('count(ALERTS{alertname="ProbeDown"})')) === undefined, 180_000);
});

test('what cannot be probed is said, and a probe is removed', async () => {
  const { page } = browser;
  await browser.goto('/targets/probes');
  await page.getByRole('textbox', { name: 'Watch a URL' }).fill('http://169.254.169.254/latest/');
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await page.getByText('169.254.169.254 is a link-local address').waitFor();
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('textbox', { name: 'Watch a URL' }).fill(`http://127.0.0.1:${port}/x`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Shop');
  await page.getByRole('textbox', { name: 'Group' }).fill('Public');
  await page.getByRole('textbox', { name: 'Expected text' }).fill('goodbye');
  await browser.screenshot('probes-form');
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  const row = page.getByTestId('probe').filter({ hasText: 'Shop' });
  await row.getByText('text goodbye').waitFor();
  await until('it fails', async () => (await row.getAttribute('data-state')) === 'down', 60_000);
  await row.getByRole('button', { name: 'Remove' }).first().click();
  await row.getByRole('button', { name: 'Remove' }).last().click();
  await until('it is gone', async () => !JSON.stringify(await program.api('/api/ausguck/probes')).includes('Shop'), 10_000);
});
