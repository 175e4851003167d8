import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { freePort, Program, repository } from './program';

let provider: ChildProcess;
let program: Program;

// test/oidcprovider is a real provider based on ory/fosite.
beforeAll(async () => {
  const module = join(repository, 'test/oidcprovider');
  const binary = join(repository, 'bin/oidcprovider');
  execFileSync('go', ['build', '-o', binary, '.'], { cwd: module, env: { ...process.env, GOWORK: 'off', GOFLAGS: '' } });
  const [port, providerPort] = [await freePort(), await freePort()];
  const own = `http://127.0.0.1:${port}`;
  provider = spawn(binary, [`-listen=127.0.0.1:${providerPort}`, `-redirect=${own}/login/generic_oauth`, `-back-to=${own}/login`], { stdio: 'ignore' });
  program = await Program.start({
    port,
    files: { 'prometheus.yml': 'scrape_configs: []\n' },
    env: {
      GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET: "the client's secret",
      GF_AUTH_GENERIC_OAUTH_LOGIN_ATTRIBUTE_PATH: 'preferred_username',
      GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH: "contains(groups[*], 'admins') && 'Editor' || 'Viewer'",
      GF_AUTH_GENERIC_OAUTH_SCOPES: 'openid profile email groups',
    },
    args: [`--auth.oidc.issuer=http://127.0.0.1:${providerPort}`, '--auth.oidc.client-id=ausguck', '--auth.oidc.name=Fosite'],
  });
}, 300_000);

afterAll(async () => {
  await program?.stop();
  provider?.kill();
});

test('a person signs in at the provider, has the role of it, and logs out there', async () => {
  const browser = await Browser.open(program);
  const { page } = browser;
  await page.goto(`${program.url}/dashboards`);
  await page.click('text=Sign in with Fosite');
  await page.fill('input[name=username]', 'eve');
  await page.fill('input[name=password]', 'secret of eve');
  await page.click('button');
  await page.waitForURL(`${program.url}/dashboards`);
  const boot = JSON.parse((await page.textContent('#boot')) ?? '') as { user: { login: string; orgRole: string } };
  expect(boot.user).toMatchObject({ login: 'eve', orgRole: 'Editor' });

  await page.getByRole('button', { name: /eve/i }).first().click();
  await page.getByText('Sign out').click();
  await page.waitForURL(`${program.url}/login`);
  await page.click('text=Sign in with Fosite');
  await page.waitForSelector('text=Log in at the provider');
  expect(browser.complaints).toEqual([]);
  await browser.close();
});

test('the first login with the generated password asks for another', async () => {
  const first = await Program.start({ files: { 'prometheus.yml': 'scrape_configs: []\n' }, env: { GF_SECURITY_ADMIN_PASSWORD: '' } });
  try {
    const browser = await Browser.open(first);
    const { page } = browser;
    await browser.login('admin', first.stored('initial-admin-password').trim());
    await page.waitForSelector('text=Choose a new password');
    await page.fill('#newPassword', 'my own words');
    await page.fill('#confirmNew', 'my own words');
    await page.click('text=Change password');
    await page.waitForURL(`${first.url}/`);
    expect(() => first.stored('initial-admin-password')).toThrow();
    await browser.close();
  } finally {
    await first.stop();
  }
});
