import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { files, script } from './alerts.files';
import { Browser } from './browser';
import { password, Program, until } from './program';

interface Message {
  status: string;
  receiver: string;
  alerts: Array<{ status: string; labels: Record<string, string>; startsAt: string; generatorURL: string }>;
}

let program: Program;
let browser: Browser;
let peer: Server;
const messages: Message[] = [];

beforeAll(async () => {
  peer = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => {
      messages.push(JSON.parse(text) as Message);
      response.writeHead(request.url === '/refuse' ? 400 : 200).end(request.url === '/refuse' ? `no thanks ${script}` : 'thanks');
    });
  });
  await new Promise<void>((done) => peer.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(peer.address() as { port: number }).port}`;
  program = await Program.start({
    files: files(url),
  });
  await program.api('/api/admin/users', {
    method: 'POST',
    body: { login: 'guest', name: 'Guest', email: 'g@example.com', password: 'a long enough one', OrgId: 1 },
  });
  const { id } = await program.api<{ id: number }>('/api/users/lookup?loginOrEmail=guest');
  await program.api(`/api/org/users/${id}`, { method: 'PATCH', body: { role: 'Viewer' } });
  await until('the alert is delivered', () => messages.some((m) => m.alerts.some((a) => a.labels['alertname'] === 'AlwaysFires')), 60_000);
});

afterAll(async () => {
  await program?.stop();
  peer?.close();
});

beforeEach(async () => {
  browser = await Browser.open(program);
});

afterEach(async (context) => {
  await browser.screenshot(`end-of-${context.task.name}`);
  const { complaints } = browser;
  const pwned = await browser.page.evaluate(() => (window as { pwned?: number }).pwned);
  await browser.close();
  expect(pwned).toBeUndefined();
  expect(complaints).toEqual([]);
});

const alert = (name: string) => browser.page.getByTestId('alert').filter({ hasText: name });

describe('an alert', () => {
  test('is shown with its group, its last notification and its links', async () => {
    const { page } = browser;
    await browser.login();
    await browser.goto('/alerts');
    await alert('AlwaysFires').waitFor();
    expect(await alert('AlwaysFires').getAttribute('data-state')).toBe('active');
    expect(await alert('AlwaysFires').innerText()).toContain(`It fires ${script}`);
    expect(await alert('AlwaysFires').getByText('Runbook').count()).toBe(0); // its URL would execute script
    expect(await alert('GoesToNobody').getByText('Runbook').getAttribute('href')).toBe('https://runbooks.example/x');
    await page.getByRole('region', { name: 'Alerts for hook' }).getByText('delivered').first().waitFor();
    await page.getByRole('region', { name: 'Alerts for refusing' }).getByText('refused').waitFor();
    await browser.screenshot('alerts');
    expect(await alert('IsInhibited').getAttribute('data-state')).toBe('inhibited');
    expect(await alert('IsInhibited').innerText()).toContain('inhibited by another alert');
    // The filter updates the URL and vice versa.
    await page.getByRole('radio', { name: /^active/ }).click();
    await alert('IsInhibited').waitFor({ state: 'detached' });
    await alert('AlwaysFires').getByRole('button', { name: 'team=a' }).click();
    await until('only one is left', async () => (await page.getByTestId('alert').count()) === 1);
    expect(decodeURIComponent(page.url())).toContain('state=active&filter={team="a"}');
    await page.reload();
    await alert('AlwaysFires').waitFor();
    expect(await page.getByTestId('alert').count()).toBe(1);
    await page.getByLabel('Filter by words or labels').fill('{team');
    await page.getByText('cannot read team').waitFor();
  });

  test('leads to its graph with its time', async () => {
    const { page } = browser;
    await browser.login();
    const { alerts } = messages.find((m) => m.alerts.some((a) => a.labels['alertname'] === 'AlwaysFires'))!;
    const { generatorURL, startsAt } = alerts[0]!;
    const link = new URL(generatorURL);
    await browser.goto(link.pathname + link.search);
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    expect(await page.locator('.cm-content').innerText()).toBe('vector(41) + 1');
    const end = Date.parse(`${link.searchParams.get('g0.end_input')!.replace(' ', 'T')}Z`);
    expect(end).toBeGreaterThan(Date.parse(startsAt));
    // The picker reflects the URL, and a selected range is written to the URL.
    await page.getByTestId('data-testid TimePicker Open Button').click();
    await page.getByText('Last 6 hours').click();
    await page.waitForURL(/g0\.range_input=6h/);
    expect(page.url()).not.toContain('end_input');
    await page.goBack();
    await page.waitForURL(/end_input/);
    await page.getByRole('radio', { name: 'Table' }).click();
    await page.waitForURL(/g0\.tab=1/);
    await page.getByTestId('instant').getByText('42').waitFor();
    await browser.screenshot('graph-table');
    await page.getByText('Add query').click();
    await page.locator('.cm-content').nth(1).click();
    await page.keyboard.type('prometheus_build');
    await page.locator('.cm-tooltip-autocomplete', { hasText: 'prometheus_build_info' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('sum(');
    await page.keyboard.press('Shift+Enter');
    await page.getByText('parse error').first().waitFor();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('prometheus_build_info');
    await page.keyboard.press('Shift+Enter');
    await page.getByTestId('instant').nth(1).getByText('prometheus_build_info{').waitFor();
    await page.waitForURL(/g1\.expr=prometheus_build_info/);
  });

  test('is silenced from the page, edited, and speaks again when the silence is expired', async () => {
    const { page } = browser;
    await browser.login();
    await browser.goto('/alerts');
    await alert('AlwaysFires').getByText('Silence', { exact: true }).click();
    await page.getByText('Silences 1 of 3 alerts').waitFor();
    expect(await page.getByLabel('Value 1').inputValue()).toBe('AlwaysFires');
    expect(await page.getByRole('button', { name: 'Silence', exact: true }).isDisabled()).toBe(true);
    await page.getByLabel('Value 1').fill('Other');
    await page.getByText('Silences 0 of 3 alerts').waitFor();
    await page.getByLabel('Value 1').fill('AlwaysFires');
    await page.locator('#silence-comment').fill(`known ${script}`);
    expect(decodeURIComponent(page.url())).toContain('alertname="AlwaysFires"');
    await browser.screenshot('silence-new');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    const silence = page.getByTestId('silence').filter({ hasText: `known ${script}` });
    await silence.waitFor();
    await silence.getByText('keeps 1 alert quiet').waitFor();
    await browser.screenshot('silences');

    await silence.getByText('Edit').click();
    await page.locator('#silence-comment').fill('known for longer');
    await page.getByRole('radio', { name: '7 days' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByTestId('silence').filter({ hasText: 'known for longer' }).waitFor();
    const silences = await program.api<Array<{ comment: string; startsAt: string; endsAt: string; status: { state: string } }>>('/api/v2/silences');
    const active = silences.filter((s) => s.status.state === 'active');
    expect(active.map((s) => [s.comment, Math.round((Date.parse(s.endsAt) - Date.parse(s.startsAt)) / 3_600_000)])).toEqual([['known for longer', 168]]);

    await browser.goto('/alerts?state=silenced');
    await alert('AlwaysFires').getByText('silenced by').getByRole('link').click();
    await page.getByText('Silences 1 of 3 alerts').waitFor();
    await browser.goto('/alerts/silences');
    await page.getByRole('button', { name: 'Expire' }).click();
    await page.getByText('Silence not found').waitFor();
    await browser.goto('/alerts');
    await until('it is active again', async () => (await alert('AlwaysFires').getAttribute('data-state')) === 'active');
    await browser.goto('/alerts/silences?state=expired');
    await page.getByTestId('silence').filter({ hasText: 'known for longer' }).getByText('Silence again').waitFor();
  });
});

describe('around alerts', () => {
  test('rules are shown by group with state, value, error and the graph of each', async () => {
    const { page } = browser;
    await browser.login();
    await browser.goto('/alerts/rules');
    const rule = (name: string) => page.getByTestId('rule').filter({ hasText: name });
    await rule('AlwaysFires').waitFor();
    await until('the rule that fails says why', async () => (await rule('Fails').getAttribute('data-state')) === 'failing' || page.reload().then(() => false));
    expect(await rule('Fails').getByRole('alert').innerText()).toMatch(/\w+/);
    expect(await rule('IsPending').getAttribute('data-state')).toBe('pending');
    expect(await rule('IsQuiet').getAttribute('data-state')).toBe('normal');
    expect(await rule('AlwaysFires').getByRole('cell', { name: '42', exact: true }).count()).toBe(1);
    // The Loki ruler has its own rules.
    await rule('LogErrorSurge').waitFor();
    expect(await rule('LogErrorSurge').getByText('Dashboard').getAttribute('href')).toBe('/d/ausguck-logs');
    await browser.screenshot('rules');
    // Words match any text of a rule; groups can be collapsed and expanded.
    await page.getByLabel('Filter by words or labels').fill('41 FIRES');
    await until('only AlwaysFires is left', async () => (await page.getByTestId('rule').count()) === 1);
    await page.getByRole('button', { name: 'Close Group always' }).click();
    expect(await page.getByTestId('rule').count()).toBe(0);
    await page.getByRole('button', { name: 'Open Group always' }).click();
    await page.getByLabel('Filter by words or labels').fill('');
    await rule('job:broken').waitFor();
    expect(await rule('job:broken').getAttribute('data-state')).toBe('failing');
    expect(await rule('job:made').getAttribute('data-state')).toBe('recording');
    await page.getByRole('radio', { name: 'pending (1)' }).click();
    await until('only the pending one is left', async () => (await page.getByTestId('rule').count()) === 1);
    await rule('IsPending').getByText('Route', { exact: true }).click();
    await page.getByText('the alert ends here').waitFor();
    await browser.goto('/alerts/rules');
    await page.getByText('vector(41) + 1').click();
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
  });

  test('an expression about logs has its graph and its lines', async () => {
    const { page } = browser;
    const now = Date.now();
    const values = Array.from({ length: 20 }, (_, i) => [`${now - i * 1000}000000`, `line ${i} ${script}`]);
    await fetch(`${program.url}/loki/api/v1/push`, {
      method: 'POST',
      body: JSON.stringify({ streams: [{ stream: { job: 'made' }, values }] }),
      headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`, 'Content-Type': 'application/json' },
    }).then((answer) => expect(answer.status).toBe(204));
    await browser.login();
    // As the Loki ruler writes it into alerts.
    await browser.goto(
      `/explore?left=${encodeURIComponent(JSON.stringify({ queries: [{ expr: 'sum by (job) (count_over_time({job="made"}[1m])) > 1', queryType: 'range' }] }))}`
    );
    await page.waitForURL(/\/explore\?.*g0\.source=loki/);
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    await browser.screenshot('graph-logs');
    await page.getByLabel('LogQL query').fill('{job="made"} |= "line 7 "');
    await page.keyboard.press('Shift+Enter');
    await page.getByTestId('graph').getByText(`line 7 ${script}`).waitFor();
    expect(await page.getByTestId('graph').getByText('line 8').count()).toBe(0);
    await browser.screenshot('graph-lines');
    await page.getByLabel('Data source').click();
    await page.getByRole('option', { name: 'Prometheus PromQL' }).click();
    await page.getByLabel('PromQL query').waitFor();
  });

  test('notifications say who was told and what was answered', async () => {
    const { page } = browser;
    await browser.login();
    await browser.goto('/alerts/notifications');
    await page.getByTestId('notifications').getByText('refused').first().waitFor();
    await page.getByTestId('notifications').getByText('no thanks').first().waitFor();
    await browser.screenshot('notifications');
    await page.getByRole('radio', { name: 'Delivered' }).click();
    await page.waitForURL(/result=delivered/);
    await until('only what was delivered is left', async () => (await page.getByTestId('notifications').getByText('refused').count()) === 0);
    await page.getByLabel('Name of the alert').fill('NoSuchAlert');
    await page.getByText('No notifications match the filter').waitFor();
  });

  test('without Alertmanager the page says so', async () => {
    const without = await Program.start({ args: ['--no-alertmanager'] });
    const other = await Browser.open(without);
    try {
      await other.login();
      await other.goto('/alerts');
      await other.page.getByText('Alertmanager is disabled').waitFor();
      await other.goto('/alerts/rules');
      await other.page.getByTestId('rule').filter({ hasText: 'Watchdog' }).first().waitFor();
      expect(other.complaints).toEqual([]);
    } finally {
      await other.close();
      await without.stop();
    }
  });

  test('a test is sent to a receiver and the answer shown', async () => {
    const { page } = browser;
    await browser.login();
    await browser.goto('/alerts/receivers');
    const receiver = (name: string) => page.getByTestId('receiver').filter({ has: page.getByText(name, { exact: true }) });
    await receiver('refusing').getByRole('button', { name: 'Send a test' }).click();
    await receiver('refusing').getByTestId('trial').getByText('refused').waitFor();
    await receiver('hook').getByRole('button', { name: 'Send a test' }).click();
    await receiver('hook').getByTestId('trial').getByText('200 OK').waitFor();
    await page.locator('#where-to').fill('{team="b"}');
    await page.getByRole('button', { name: 'Show' }).click();
    await until('the way is marked', async () => (await page.locator('[data-testid=route][data-matches=true]').count()) === 1);
    expect(await page.locator('[data-testid=route][data-matches=true]').innerText()).toContain('refusing');
    await browser.screenshot('receivers');
  });

  test('links of a stock Alertmanager lead to the pages here, through the login too', async () => {
    const { page } = browser;
    const filter = encodeURIComponent('{alertname="AlwaysFires"}');
    await browser.goto(`/#/silences/new?filter=${filter}`);
    await page.fill('input[name=user]', 'admin');
    await page.fill('input[name=password]', password);
    await page.click('button[type=submit]');
    await page.waitForURL(/\/alerts\/silences\/new\?/);
    await page.getByText('Silences 1 of 3 alerts').waitFor();
    await browser.goto(`/#/alerts?receiver=hook&filter=${filter}`);
    await page.waitForURL(/\/alerts\?receiver=hook/);
    await until('only one is left', async () => (await page.getByTestId('alert').count()) === 1);
    await browser.goto('/#/silences');
    await page.waitForURL(/\/alerts\/silences$/);
    const { silenceID } = await program.api<{ silenceID: string }>('/api/v2/silences', {
      method: 'POST',
      body: {
        matchers: [{ name: 'x', value: 'y', isRegex: false, isEqual: true }],
        startsAt: new Date().toISOString(),
        endsAt: new Date(Date.now() + 60_000).toISOString(),
        createdBy: 'a test',
        comment: 'by hand',
      },
    });
    await browser.goto(`/#/silences/${silenceID}`);
    await page.waitForURL(new RegExp(`/alerts/silences/${silenceID}$`));
    expect(await page.locator('#silence-comment').inputValue()).toBe('by hand');
    await program.api(`/api/v2/silence/${silenceID}`, { method: 'DELETE' }).catch(() => undefined);
    await browser.goto('/alerts/silences/no-such-silence');
    await page.getByText('The silence could not be loaded').waitFor();
  });

  test('a viewer may look', async () => {
    const { page } = browser;
    await browser.login('guest', 'a long enough one');
    await browser.goto('/alerts');
    await alert('AlwaysFires').waitFor();
    expect(await page.getByText('Silence', { exact: true }).count()).toBe(0);
    await browser.goto('/alerts/receivers');
    await page.getByTestId('receiver').first().waitFor();
    expect(await page.getByRole('button', { name: 'Send a test' }).count()).toBe(0);
    await browser.goto('/alerts/silences/new?filter={a="b"}');
    await page.getByTestId('refused').waitFor();
    expect(await page.locator('main form').count()).toBe(0);
  });

  const pages = [
    ['alerts', '/alerts'],
    ['rules', '/alerts/rules'],
    ['silences', '/alerts/silences?state=expired'],
    ['silence', '/alerts/silences/new?filter={alertname="AlwaysFires"}'],
    ['notifications', '/alerts/notifications'],
    ['receivers', '/alerts/receivers?labels={"team":"b"}'],
    ['graph', '/graph?g0.expr=up&g0.tab=0&g0.range_input=5m'],
  ] as const;

  test.each(['dark', 'light'] as const)('the pages in the %s theme', async (theme) => {
    const { page } = browser;
    await browser.login();
    await page.evaluate(
      async (t) => fetch('/api/user/preferences', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ theme: t }) }),
      theme
    );
    for (const [name, path] of pages) {
      await browser.goto(path);
      await page.waitForSelector('main');
      await page.waitForLoadState('networkidle');
      await browser.screenshot(`${theme}-${name}`);
      expect(await browser.unreadable(), name).toEqual([]);
    }
  });

  test('a phone has them without scrolling sideways', async () => {
    const { page } = browser;
    await page.setViewportSize({ width: 390, height: 844 });
    await browser.login();
    for (const [name, path] of [...pages, ['no query log', '/admin/queries']]) {
      await browser.goto(path!);
      await page.waitForLoadState('networkidle');
      await browser.screenshot(`phone-${name}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(390);
    }
  });

  test('the keyboard silences an alert', async () => {
    const { page } = browser;
    await browser.login();
    await browser.goto('/alerts');
    await alert('GoesToNobody').waitFor();
    const focusOn = async (what: string) => {
      for (let i = 0; i < 80; i++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate((text) => document.activeElement?.textContent === text || document.activeElement?.id === text, what)) {
          return;
        }
      }
      throw new Error(`the keyboard does not reach ${what}`);
    };
    await focusOn('Silence');
    await page.keyboard.press('Enter');
    await page.locator('#silence-comment').waitFor();
    await focusOn('silence-comment');
    await page.keyboard.type('by keyboard');
    await focusOn('Silence');
    await page.keyboard.press('Enter');
    await page.getByTestId('silence').filter({ hasText: 'by keyboard' }).waitFor();
  });
});
