import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { Mailbox } from './mailbox';
import { freePort, Program, until } from './program';

let program: Program;
const mailbox = new Mailbox();
let browser: Browser;

const pages = `pages:
- {name: example, title: Example status, public: true, subscribers: {receiver: mails}, groups: [{components: [{name: Shop, expr: vector(1)}, {name: Payments, expr: vector(0)}]}]}
- {name: inside, title: Inside, groups: [{components: [{name: Build, expr: vector(0.5)}]}]}
`;

beforeAll(async () => {
  const [port, mails] = [await freePort(), await mailbox.open()];
  program = await Program.start({
    port,
    args: ['--no-cadvisor', '--no-node-exporter', '--no-log-collector', `--web.external-url=http://127.0.0.1:${port}`],
    files: {
      'alertmanager.yml': `global: {smtp_smarthost: '127.0.0.1:${mails}', smtp_from: status@example.com, smtp_require_tls: false}
route: {receiver: nobody}
receivers: [{name: nobody}, {name: mails, email_configs: [{to: nobody@example.com}]}]
`,
    },
  });
  browser = await Browser.open(program);
  await browser.login();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  mailbox.close();
});

const card = (title: string) => browser.page.getByTestId('status-page').filter({ hasText: title });
const event = (state: string) => browser.page.locator(`[data-testid=status-event][data-state="${state}"]`);
const visitor = async () => (await fetch(`${program.url}/status-page/example`)).text();
const visitorsRead = (text: string) => until(`visitors read ${text}`, async () => (await visitor()).includes(text), 20_000);

test('without pages, it says what to do', async () => {
  const { page } = browser;
  await browser.goto('/alerts');
  await page.getByRole('navigation', { name: 'Alerting' }).getByRole('link', { name: 'Status pages' }).click();
  await page.getByText('No status pages').waitFor();
  expect(await page.getByRole('link', { name: 'Status pages', exact: true }).last().getAttribute('href')).toBe('/docs/status-page');
});

test('an incident is reported, updated, resolved and removed', { timeout: 120_000 }, async () => {
  const { page } = browser;
  program.write('status-pages.yml', pages);
  await program.send('/api/ausguck/reload', {});
  await browser.goto('/alerts/status-pages');
  const example = card('Example status');
  await until('the state is known', async () => (await example.getAttribute('data-status')) === 'down', 30_000);
  await example.getByText('Payments: down').waitFor();
  expect(await example.getByRole('link', { name: '/status-page/example' }).getAttribute('href')).toBe('/status-page/example');
  await card('Inside').getByText('not public').waitFor();

  await example.getByRole('button', { name: 'Report an incident' }).click();
  const report = page.getByRole('form', { name: 'Report an incident' });
  expect(await report.getByRole('button', { name: 'Report' }).isDisabled()).toBe(true);
  await report.getByRole('textbox', { name: 'Title' }).fill('Payments <b>are</b> delayed');
  await report.getByRole('checkbox', { name: 'Payments' }).check({ force: true });
  await report.getByRole('textbox', { name: 'Message' }).fill('We look for the cause.');
  await browser.screenshot('status-pages-incident');
  await report.getByRole('button', { name: 'Report' }).click();
  await event('investigating').getByText('Payments <b>are</b> delayed').waitFor();
  await visitorsRead('We look for the cause.');

  await event('investigating').getByRole('button', { name: 'Add update' }).click();
  const update = page.getByRole('form', { name: 'Add an update' });
  await update.getByRole('combobox', { name: 'Stage' }).click();
  await page.getByRole('option', { name: 'identified' }).click();
  await update.getByRole('textbox', { name: 'Message' }).fill('A queue is full.');
  await update.getByRole('button', { name: 'Add' }).click();
  await event('identified').getByText('A queue is full.').waitFor();
  await event('identified').getByRole('button', { name: 'Resolve' }).click();
  await update.getByRole('textbox', { name: 'Message' }).fill('All have arrived.');
  await update.getByRole('button', { name: 'Resolve' }).click();
  await event('resolved').getByText('All have arrived.').waitFor();
  await visitorsRead('All have arrived.');
  await browser.screenshot('status-pages');

  await page.getByRole('button', { name: 'Remove Payments' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).last().click();
  await event('resolved').waitFor({ state: 'detached' });
  await until('it is gone', async () => !(await visitor()).includes('All have arrived.'), 20_000);
});

test('a maintenance is planned in the time zone of the browser, and removed', { timeout: 120_000 }, async () => {
  const { page } = browser;
  await browser.goto('/alerts/status-pages');
  await card('Example status').getByRole('button', { name: 'Plan maintenance' }).click();
  const plan = page.getByRole('form', { name: 'Plan maintenance' });
  await plan.getByText(/^Time zone: /).waitFor();
  await plan.getByRole('textbox', { name: 'Title' }).fill('New disks');
  await plan.getByRole('checkbox', { name: 'Shop' }).check({ force: true });
  const ends = plan.getByTestId('data-testid date-time-input').last();
  const right = await ends.inputValue();
  await ends.fill('2020-01-01 00:00:00');
  await ends.press('Tab');
  await plan.getByText('It has to end after it starts.').waitFor();
  expect(await plan.getByRole('button', { name: 'Plan', exact: true }).isDisabled()).toBe(true);
  await ends.fill(right);
  await ends.press('Tab');
  await browser.screenshot('status-pages-maintenance');
  await plan.getByRole('button', { name: 'Plan', exact: true }).click();
  await event('planned').getByText('New disks').waitFor();
  expect(await event('planned').innerText()).toContain(right);
  await visitorsRead('New disks');
  await page.getByRole('button', { name: 'Remove New disks' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).last().click();
  await event('planned').waitFor({ state: 'detached' });
});

test('a visitor without JavaScript subscribes and unsubscribes; Editors see the address', { timeout: 120_000 }, async () => {
  const guest = await Browser.open(program, { width: 390, height: 844 }, false);
  const { page } = guest;
  await guest.goto('/status-page/example');
  await page.getByLabel('Email address').fill('ann@example.com');
  await page.getByRole('button', { name: 'Subscribe by email' }).scrollIntoViewIfNeeded();
  await guest.screenshot('status-page-form-phone');
  await page.getByRole('button', { name: 'Subscribe by email' }).click();
  await page.getByText('a mail is on its way').waitFor();
  await until('a mail to confirm', () => mailbox.texts.length === 1, 30_000);
  const link = () => /http:\S+token=\w+/.exec(mailbox.texts.at(-1) ?? '')?.[0] ?? '';
  await page.goto(link());
  await guest.screenshot('status-page-confirm-phone');
  await page.getByRole('button', { name: 'Confirm subscription' }).click();
  await page.getByText('You are subscribed.').waitFor();

  await browser.goto('/alerts/status-pages');
  const list = browser.page.getByTestId('subscribers');
  await list.getByText('1 subscriber by email').waitFor();
  await list.getByRole('button', { name: 'Show addresses' }).click();
  await list.getByText('ann@example.com').waitFor();
  await browser.screenshot('status-pages-subscribers');
  const [file] = await Promise.all([browser.page.waitForEvent('download'), list.getByRole('button', { name: 'Export' }).click()]);
  expect(file.suggestedFilename()).toBe('subscribers-example.txt');
  expect(readFileSync(await file.path(), 'utf8')).toBe('ann@example.com\n');

  await program.api('/api/ausguck/status-pages/example/incidents', { method: 'POST', body: { title: 'Slow', text: 'We measure.' } });
  await until('a mail about it', () => mailbox.texts.length === 2, 30_000);
  expect(mailbox.texts[1]).toContain('We measure.');
  await page.goto(link());
  await page.getByRole('button', { name: 'Unsubscribe' }).click();
  await page.getByText('You get no more mails.').waitFor();
  await until('nobody is subscribed', async () => (await list.innerText()).includes('0 subscribers'), 20_000);
  expect(guest.complaints).toEqual([]);
  await guest.close();
});

test('Viewers read it', async () => {
  await program.api('/api/ausguck/status-pages/example/incidents', { method: 'POST', body: { title: 'Delays', text: 'We look.' } });
  const user = await program.api<{ id: number }>('/api/admin/users', { method: 'POST', body: { login: 'vera', password: 'watch only here', OrgId: 1 } });
  await program.api(`/api/org/users/${user.id}`, { method: 'PATCH', body: { role: 'Viewer' } });
  const reader = await Browser.open(program, { width: 390, height: 844 });
  await reader.login('vera', 'watch only here');
  await reader.goto('/alerts/status-pages');
  await reader.page.getByText('We look.').waitFor();
  expect(await reader.page.getByRole('button', { name: /Report|Plan|Add|Resolve|Remove/ }).count()).toBe(0);
  await reader.screenshot('status-pages-viewer-phone');
  expect(reader.complaints).toEqual([]);
  await reader.close();
  expect(browser.complaints).toEqual([]);
});
