import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { freePort, Program, until } from './program';

let program: Program;
let browser: Browser;
let shop: Server;
let port: number;
let registry: Server;

/** The registry of .invalid, and the bootstrap file that says so. Its domains expire in 20 days. */
const startRegistry = async () => {
  const registryPort = await freePort();
  const expires = new Date(Date.now() + 20.5 * 86_400_000).toISOString();
  registry = createServer((request, response) =>
    response.end(
      JSON.stringify(
        request.url === '/dns.json'
          ? { services: [[['invalid'], [`http://127.0.0.1:${registryPort}/`]]] }
          : { objectClassName: 'domain', events: [{ eventAction: 'expiration', eventDate: expires }] }
      )
    )
  );
  await new Promise<void>((done) => registry.listen(registryPort, '127.0.0.1', done));
  return `http://127.0.0.1:${registryPort}/dns.json`;
};

beforeAll(async () => {
  port = await freePort();
  shop = createServer((_, response) => response.end('welcome'));
  await new Promise<void>((done) => shop.listen(port, '127.0.0.1', done));
  const bootstrap = await startRegistry();
  program = await Program.start({ args: ['--no-cadvisor', '--no-node-exporter', '--no-log-collector', `--prober.rdap-bootstrap=${bootstrap}`] });
  browser = await Browser.open(program);
  await browser.login();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  shop.close().closeAllConnections();
  registry.close();
});

test('what cannot be probed is said, and a probe is edited and removed', { timeout: 240_000 }, async () => {
  const { page } = browser;
  await browser.goto('/targets/probes');
  await page.getByText('Nothing is probed').waitFor();
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
  await row.getByRole('button', { name: 'Edit' }).click();
  const form = page.getByRole('region', { name: 'Edit Shop' });
  expect(await form.getByRole('textbox', { name: 'Group' }).inputValue()).toBe('Public');
  await form.getByRole('textbox', { name: 'Expected text' }).fill('welcome');
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Shop/front');
  await browser.screenshot('probes-edit');
  await form.getByRole('button', { name: 'Save' }).click();
  const renamed = page.getByTestId('probe').filter({ hasText: 'Shop/front' });
  await renamed.getByText('text welcome').waitFor();
  await until('it succeeds', async () => (await renamed.getAttribute('data-state')) === 'up', 60_000);
  await renamed.getByRole('button', { name: 'Remove' }).first().click();
  await renamed.getByRole('button', { name: 'Remove' }).last().click();
  await until('it is gone', async () => !JSON.stringify(await program.api('/api/ausguck/probes')).includes('Shop'), 10_000);
});

test('a probe shows when its domain expires, or why that is unknown, and an alert fires before', { timeout: 240_000 }, async () => {
  const { page } = browser;
  const watch = async (url: string) => {
    await page.getByRole('textbox', { name: 'Watch a URL' }).fill(url);
    await page.getByRole('checkbox', { name: 'Watch when the domain expires' }).check({ force: true });
    await page.getByRole('button', { name: 'Watch', exact: true }).click();
  };
  const options = () => page.getByRole('button', { name: 'More options' }).click();
  await browser.goto('/targets/probes');
  await options();
  await watch(`http://127.0.0.1:${port}/domain`);
  await page.getByText('127.0.0.1 is an address, not a domain').waitFor();
  await watch('tcp://mail.example.de:25');
  await page
    .getByTestId('probe')
    .filter({ hasText: 'mail.example.de' })
    .getByText('Domain example.de: it is unknown when it expires: the registry of .de has no RDAP server')
    .waitFor();
  await options(); // they are closed after an addition
  await watch('https://www.shop.invalid/');
  const row = page.getByTestId('probe').filter({ hasText: 'www.shop.invalid' });
  await row.getByText(/^Domain shop\.invalid expires on \d{4}-\d\d-\d\d \(20 days\)$/).waitFor();
  await row.getByText('domain for 30 days').waitFor();
  await browser.screenshot('probes-domains');
  // ALERTS has no samples before the third evaluation of a group, which is after up to three minutes for this one.
  await until('an alert', async () => JSON.stringify(await program.api('/api/v1/alerts')).includes('ProbeDomainExpires'), 120_000);
  await browser.goto('/d/ausguck-probes');
  await page.getByRole('columnheader', { name: 'Domain' }).waitFor({ timeout: 30_000 });
  await browser.screenshot('probes-dashboard');
});
