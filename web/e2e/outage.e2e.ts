import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTLSServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { freePort, Program, until } from './program';

let program: Program;
let browser: Browser;
let visitor: Browser;
let shop: Server;
let port: number;
const certificates = mkdtempSync(join(tmpdir(), 'ausguck-certificates-'));

const open = () =>
  new Promise<void>((done) => {
    shop = createServer((_, response) => response.end('welcome'));
    shop.listen(port, '127.0.0.1', done);
  });
const close = (server: Server) => new Promise((done) => server.close(done).closeAllConnections());

/** A server whose certificate is valid for three more days. It is its own authority. */
const secure = createTLSServer((_, response) => response.end('welcome'));

async function openSecure(): Promise<{ port: number; authority: string }> {
  const [key, certificate] = [join(certificates, 'key.pem'), join(certificates, 'certificate.pem')];
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3', '-keyout', key, '-out', certificate],
    ...['-subj', '/CN=Test', '-addext', 'subjectAltName=IP:127.0.0.1'],
  ], { stdio: 'ignore' }); // prettier-ignore
  const free = await freePort();
  secure.setSecureContext({ key: readFileSync(key), cert: readFileSync(certificate) });
  await new Promise<void>((done) => void secure.listen(free, '127.0.0.1', done));
  return { port: free, authority: readFileSync(certificate, 'utf8') };
}

beforeAll(async () => {
  port = await freePort();
  await open();
  const { port: securePort, authority } = await openSecure();
  program = await Program.start({
    args: ['--no-cadvisor', '--no-node-exporter', '--no-log-collector'],
    files: {
      'ca.pem': authority,
      'blackbox.yml': 'modules: {own_ca: {prober: http, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: ca.pem}}}}\n',
      'probes.yml': `probes: [{name: Accounts, url: 'https://127.0.0.1:${securePort}/', module: own_ca}]\n`,
      'status-pages.yml': `pages: [{name: example, title: Example status, public: true, groups: [{components: [{name: Shop, probe: '127.0.0.1:${port}'}]}]}]\n`,
    },
  });
  browser = await Browser.open(program);
  await browser.login();
  visitor = await Browser.open(program, undefined, false);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await visitor?.close();
  await program?.stop();
  await close(shop);
  await close(secure);
  rmSync(certificates, { recursive: true });
});

/** Waits until the status page shows a text to a visitor without JavaScript; returns after how many seconds it did. */
async function visitorReads(text: string): Promise<number> {
  const begun = Date.now();
  await until(
    `the status page shows ${text}`,
    async () => {
      await visitor.goto('/status-page/example');
      return (await visitor.page.locator('body').innerText()).includes(text);
    },
    120_000
  );
  return (Date.now() - begun) / 1000;
}

const probe = (state: string) => browser.page.locator(`[data-testid=probe][data-state=${state}]`).filter({ hasText: `:${port}` });

test('a URL is watched with three clicks; an outage is an alert, and visitors read it within a minute; both end', { timeout: 400_000 }, async () => {
  const { page } = browser;
  await browser.goto('/');
  await page.getByRole('link', { name: 'Targets', exact: true }).first().click();
  await page.getByRole('navigation', { name: 'Targets' }).getByRole('link', { name: 'Probes' }).click();
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
  await visitorReads('All systems are operational');

  await close(shop);
  const begun = Date.now();
  expect(await visitorReads('Some systems are down')).toBeLessThan(60);
  await visitor.screenshot('status-page-down');
  await until('an alert', async () => (await program.query(`ALERTS{alertname="ProbeDown", probe="127.0.0.1:${port}", alertstate="firing"}`)) === 1, 60_000);
  expect(Date.now() - begun).toBeLessThan(90_000);
  await browser.goto('/alerts');
  await page.getByText(`127.0.0.1:${port} is down`).first().waitFor();
  await browser.goto('/targets/probes?state=down');
  await probe('down').getByText('connection refused').waitFor();
  await browser.screenshot('probes-down');

  await open();
  await probe('down').waitFor({ state: 'detached', timeout: 60_000 });
  await visitorReads('All systems are operational');
  await until('the alert has ended', async () => (await program.query('count(ALERTS{alertname="ProbeDown"})')) === undefined, 180_000);
});

test('a certificate that expires in three days is an alert', { timeout: 180_000 }, async () => {
  await until(
    'the alert',
    async () => (await program.query('count(ALERTS{alertname="ProbeCertificateExpires", severity="warning", alertstate="firing"})')) === 1,
    150_000
  );
  await browser.goto('/alerts');
  await browser.page
    .getByText(/^The certificate of Accounts expires in 2d/)
    .first()
    .waitFor();
  await browser.screenshot('certificate-expires');
});
