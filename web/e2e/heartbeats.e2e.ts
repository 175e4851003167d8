import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { password, Program, until } from './program';

let program: Program;
let browser: Browser;

beforeAll(async () => {
  program = await Program.start({ args: ['--no-cadvisor', '--no-node-exporter', '--no-log-collector'] });
  await program.api('/api/admin/users', { method: 'POST', body: { login: 'looker', password, OrgId: 1 } });
  const { id } = await program.api<{ id: number }>('/api/users/lookup?loginOrEmail=looker');
  await program.api(`/api/org/users/${id}`, { method: 'PATCH', body: { role: 'Viewer' } });
  browser = await Browser.open(program);
  await browser.login();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await program?.stop();
});

const row = (name: string) => browser.page.getByTestId('heartbeat').filter({ hasText: name });
const state = (wanted: string) => browser.page.locator(`[data-testid=heartbeat][data-state="${wanted}"]`);
const line = () => browser.page.getByTestId('line').innerText();
/** Runs the line of a crontab with a job that ends with an exit code. */
const run = (text: string, code: number) => execFileSync('sh', ['-c', text.replace(/^.*\/path\/to\/job/, `(exit ${code})`)]);

async function confirm(name: string, button: string, confirmation = button) {
  await row(name).getByRole('button', { name: button, exact: true }).click();
  await row(name).getByRole('button', { name: confirmation, exact: true }).last().click();
}

test('a heartbeat is added, and the line of its crontab reports', { timeout: 60_000 }, async () => {
  const { page } = browser;
  await browser.goto('/targets');
  await page.getByRole('navigation', { name: 'Targets' }).getByRole('link', { name: 'Heartbeats' }).click();
  await page.getByText('Nothing reports yet').waitFor();
  await page.getByRole('textbox', { name: 'Name' }).fill('backup');
  await page.getByRole('textbox', { name: 'Runs start at' }).fill('0 3 * *');
  await page.getByRole('button', { name: 'Add heartbeat' }).click();
  await page.getByText('is not a cron expression').waitFor();
  await page.getByRole('textbox', { name: 'Runs start at' }).fill('0 3 * * *');
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('textbox', { name: 'Group' }).fill('nightly');
  await page.getByRole('textbox', { name: 'Labels' }).fill('team=storage');
  await browser.screenshot('heartbeats-form');
  await page.getByRole('button', { name: 'Add heartbeat' }).click();
  await page.getByText('“backup” reports with this line').waitFor();
  await state('new').getByText('never seen').waitFor();
  const text = await line();
  expect(text.startsWith('0 3 * * * /path/to/job; curl ')).toBe(true);
  expect(text).toContain(`${program.url}/hb/`);
  run(text, 0);
  await state('up').getByText('in time').waitFor();
  await state('up').getByText('exit code 0').waitFor();
  run(text, 7);
  await state('failed').getByText('exit code 7').waitFor();
  await browser.screenshot('heartbeats');

  await confirm('backup', 'Renew token', 'End the old token');
  await until('another line', async () => (await line()) !== text);
  expect(() => run(text, 0)).toThrow();
  run(await line(), 0);
  await state('up').waitFor();
});

test('it is edited, is missing, and its alert ends when it is deleted', { timeout: 240_000 }, async () => {
  const { page } = browser;
  await row('backup').getByRole('button', { name: 'Edit' }).click();
  const form = page.getByRole('region', { name: 'Edit backup' });
  expect(await form.getByRole('textbox', { name: 'Labels' }).inputValue()).toBe('team=storage');
  await form.getByRole('radio', { name: 'Interval' }).click();
  await form.getByRole('textbox', { name: 'Runs end every' }).fill('10s');
  await form.getByRole('textbox', { name: 'Grace' }).fill('1s');
  await form.getByRole('textbox', { name: 'Name' }).fill('dump/main');
  await browser.screenshot('heartbeats-edit');
  await form.getByRole('button', { name: 'Save' }).click();
  await row('dump/main').getByText('every 10s · grace 1s').waitFor();
  await page.getByText('“dump/main” reports with this line').waitFor();
  run(await line(), 0); // its token stays
  await state('missing').waitFor({ timeout: 30_000 });
  const alerts = 'count(ALERTS{alertname="HeartbeatMissing", heartbeat="dump/main", group="nightly", team="storage", alertstate="firing"})';
  await until('an alert', async () => (await program.query(alerts)) === 1, 90_000);
  await confirm('dump/main', 'Delete');
  await page.getByText('Nothing reports yet').waitFor();
  expect(await page.getByTestId('line').count()).toBe(0);
  await until('the alert has ended', async () => (await program.query(alerts)) === undefined, 90_000);
});

test('what the file has too is not used, and the page says so', async () => {
  const { page } = browser;
  for (const name of ['certificates', 'invoices']) {
    await program.api('/api/ausguck/heartbeats', { method: 'POST', body: { name, every: '1d' } });
  }
  program.write('heartbeats.yml', 'heartbeats: [{name: certificates, token: a-token-of-the-file-1, every: 12h}]\n');
  await program.api('/api/ausguck/reload', { method: 'POST' });
  await browser.goto('/targets/heartbeats');
  await page.getByText('heartbeats.yml has a heartbeat with the name "certificates"').waitFor();
  await row('certificates').getByText('from heartbeats.yml').waitFor();
  expect(await row('certificates').getByRole('button').count()).toBe(0);
  expect(await row('invoices').getByRole('button', { name: 'Edit' }).count()).toBe(1);
  await browser.screenshot('heartbeats-clash');
});

test('a Viewer sees the states, and neither a token nor a form', async () => {
  const viewer = await Browser.open(program, { width: 390, height: 844 });
  try {
    await viewer.login('looker');
    await viewer.goto('/targets/heartbeats');
    await viewer.page.getByTestId('heartbeat').first().waitFor();
    expect(await viewer.page.locator('main form').count()).toBe(0);
    await viewer.screenshot('heartbeats-viewer');
    const asViewer = { user: 'looker' };
    expect(Object.keys(await program.api<object>('/api/ausguck/heartbeats', asViewer)).sort()).toEqual(['heartbeats', 'unused']);
    await expect(program.api('/api/ausguck/heartbeats/token?name=invoices', { method: 'POST', ...asViewer })).rejects.toThrow(': 403 ');
  } finally {
    await viewer.close();
  }
});
