import { describe, expect, test } from 'vitest';

import { Browser } from './browser';
import { browser, inTheShop, program, script, target } from './pages.world';
import { password, until } from './program';

inTheShop();

describe('what people want to know', () => {
  test('why a scrape fails: from home to the target and its error', async () => {
    const { page } = browser;
    await page.getByTestId('now').getByText('targets are down').waitFor();
    await browser.screenshot('home');
    await page.getByTestId('now').getByText('targets are down').click();
    await target('/wrong').getByRole('alert').getByText('404 Not Found').waitFor();
    expect(await target('/wrong').innerText()).toContain(script);
    await target('/metrics').filter({ hasText: 'limit' }).getByText('a limit of prometheus.yml was hit').waitFor();
    expect(await page.getByTestId('target').count()).toBe(2);
    await page.getByRole('radio', { name: /^All/ }).click();
    await target('of at most').first().waitFor({ state: 'detached' });
    await browser.screenshot('targets');
    await target('/wrong').getByRole('button', { name: 'Relabelling' }).click();
    await page.getByTestId('relabelling').getByText('The job has no relabel_configs').waitFor();
  });

  test('what was dropped and by which rule', async () => {
    const { page } = browser;
    await browser.goto('/targets/dropped');
    const dropped = page.getByTestId('dropped').filter({ hasText: 'of the job chosen' });
    await dropped.getByText('drops the target').waitFor();
    const steps = await dropped.getByRole('listitem').allInnerTexts();
    expect(steps[0]).toContain('team=a');
    expect(steps[1]).toContain('source_labels: [environment], regex: production, action: keep');
    await browser.screenshot('targets-dropped');
    await browser.goto('/targets/containers');
    await page.getByText('Docker is disabled').waitFor();
  });

  test('the documentation and the runbooks, from the menu and the palette', async () => {
    const { page } = browser;
    await browser.goto('/status');
    expect(new URL(page.url()).pathname).toBe('/admin/status');
    await page.getByRole('button', { name: 'Help' }).click();
    await page.getByRole('menuitem', { name: 'Documentation' }).click();
    await page.getByRole('heading', { name: 'Documentation' }).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Troubleshoot' }).click();
    await page.getByRole('main').getByRole('link', { name: 'below' }).click();
    expect(new URL(page.url()).hash).toBe('#a-container-on-another-network');
    await browser.screenshot('docs');
    await browser.goto('/targets');
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Search dashboards, pages and actions').fill('runb');
    await page.getByRole('option', { name: 'Runbooks of alerts' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Runbooks' }).waitFor();
  });

  test('from an alert to its graph, to the lines of that container, and to a silence; the notification arrived', async () => {
    const { page } = browser;
    await page.getByTestId('now').getByText('1 alert firing').waitFor();
    expect(await page.getByTestId('now').innerText()).toContain(`The queue is long ${script}`);
    await page.getByTestId('now').getByRole('link', { name: 'QueueLong' }).click();
    const alert = page.getByTestId('alert').filter({ hasText: 'QueueLong' });
    await alert.getByText('Graph', { exact: true }).click();
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    await page.getByRole('link', { name: 'Logs' }).click();
    await page.getByRole('log', { name: 'Lines', exact: true }).getByText('the queue is stuck').waitFor();
    await browser.screenshot('alert-logs');
    await page.goBack();
    await page.goBack();
    await alert.getByText('Logs', { exact: true }).click();
    await page.getByRole('log', { name: 'Lines', exact: true }).getByText('the queue is stuck').waitFor();
    await page.goBack();
    await page.getByText('delivered').first().waitFor();
    await alert.getByRole('button', { name: 'Path' }).click();
    await alert.getByTestId('path').getByText('delivered').waitFor();
    expect(await alert.getByTestId('path').innerText()).toMatch(/rule QueueLong\s*→\s*every alert\s*→\s*receiver hook/);
    await browser.screenshot('alert-path');
    await alert.getByText('Notifications', { exact: true }).click();
    await page.getByTestId('notifications').getByText('delivered').first().waitFor();
    await page.goBack();
    await alert.getByText('Silence', { exact: true }).click();
    await page.getByText('Silences 1 of').waitFor();
    await page.locator('#silence-comment').fill('it is known');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.getByTestId('silence').filter({ hasText: 'it is known' }).waitFor();
    await browser.goto('/alerts');
    await until('it is silenced', async () => (await alert.getAttribute('data-state')) === 'silenced');
  });

  test('from a panel of a dashboard to the lines of its container, and back', async () => {
    const { page } = browser;
    const panel = {
      id: 1,
      type: 'timeseries',
      title: 'Queue',
      gridPos: { x: 0, y: 0, w: 24, h: 10 },
      datasource: { type: 'prometheus', uid: 'prometheus' },
      targets: [{ refId: 'A', expr: 'queue_length{container=~"$c"}' }],
    };
    const templating = { list: [{ name: 'c', type: 'custom', query: 'api', current: { text: 'api', value: 'api' }, options: [] }] };
    await program.api('/api/dashboards/db', {
      method: 'POST',
      body: { dashboard: { uid: 'queue', title: 'Queue', schemaVersion: 41, panels: [panel], templating }, overwrite: true },
    });
    await browser.goto('/d/queue/queue?from=now-30m&to=now');
    await browser.settled();
    const menu = async (item: string) => {
      await browser.panel('Queue').hover();
      await browser.panel('Queue').getByRole('button', { name: /Menu/ }).click();
      await page.getByRole('menuitem', { name: new RegExp(`^${item}`) }).click();
    };
    await menu('Logs');
    await page.getByRole('log', { name: 'Lines', exact: true }).getByText('the queue is stuck').waitFor();
    expect(page.url()).toContain('range_input=30m');
    await page.getByRole('link', { name: 'Back to the graph' }).click();
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    await browser.goto('/d/queue/queue?from=now-30m&to=now');
    await browser.settled();
    await menu('Explore');
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    expect(await page.getByLabel('PromQL query').innerText()).toBe('queue_length{container=~"api"}');
  });

  test('which label explodes, and who sends it', async () => {
    const { page } = browser;
    await browser.goto('/admin/series');
    const labels = page.getByRole('region', { name: 'Labels with the most values' });
    const offender = labels.getByTestId('offender').filter({ hasText: 'session_id' });
    await offender.getByText('600 values').waitFor();
    await offender.getByRole('button', { name: 'Sources' }).click();
    await offender.getByTestId('senders').getByText('600 series').waitFor();
    expect(await offender.getByTestId('senders').innerText()).toContain('job shop');
    await browser.screenshot('status-series');
    await offender.getByTestId('senders').getByRole('link').click();
    await target('shop').first().waitFor();
  });
});

describe('status', () => {
  test('parts, storage, versions, and a reload that lists its problems', async () => {
    const { page } = browser;
    await browser.goto('/admin/status');
    await page.locator('[data-testid=part][data-phase=ready]').filter({ hasText: 'promserver' }).waitFor();
    await page.getByTestId('storage').filter({ hasText: 'logs' }).getByText('of at most').waitFor();
    await page.getByRole('cell', { name: 'Prometheus' }).waitFor();
    await browser.screenshot('status');
    await page.getByRole('button', { name: 'Reload the configuration' }).click();
    await page.getByText('Configuration reloaded').waitFor();
    program.write('rules.yml', 'groups:\n- name: x\n  rules:\n  - {alert: A, expr: "sum("}\n  - {alert: B, expr: "1 +"}\n');
    await page.getByRole('button', { name: 'Reload the configuration' }).click();
    await page.getByText(/Nothing was changed: 2 problems/).waitFor();
    expect(await page.getByTestId('problems').innerText()).toMatch(/rules\.yml:4: .*\n.*rules\.yml:5: /);
    await browser.screenshot('status-problems');
    program.write('rules.yml', 'groups: []\n');
  });

  test('configuration without secrets, flags, and the query log', async () => {
    const { page } = browser;
    await browser.goto('/admin/configuration');
    await page.getByText('job_name: wrong-path').waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain('<secret>');
    expect(text).toContain('retention_period: 15d'); // from loki.yml
    expect(text).not.toContain('very-secret-word');
    await page.getByLabel('Filter flags').fill('storage.tsdb');
    await page.getByText('--storage.tsdb.path').waitFor();
    await browser.screenshot('status-configuration');
    await program.query('up{job="this is logged"}');
    await browser.goto('/admin/queries');
    await page.getByTestId('logged').filter({ hasText: 'this is logged' }).first().waitFor();
    await browser.screenshot('status-queries');
  });
});

describe('settings', () => {
  test('a user is made, changed and deleted; a token is made, works and is revoked', async () => {
    const { page } = browser;
    await browser.goto('/settings/users');
    await page.locator('#new-login').fill('eve');
    await page.locator('#new-password').fill('a long enough password');
    await page.getByRole('button', { name: 'Create user' }).click();
    await page.getByText('eve can log in').waitFor();
    const eve = page.getByTestId('user').filter({ hasText: 'eve' });
    await eve.getByLabel('Role of eve').click();
    await page.getByRole('option', { name: 'Editor' }).click();
    await until(
      'the role is stored',
      async () => (await program.api<Array<{ login: string; role: string }>>('/api/org/users')).find((u) => u.login === 'eve')?.role === 'Editor'
    );
    await browser.screenshot('settings-users');
    await eve.getByRole('button', { name: 'Delete' }).first().click();
    await eve.getByRole('button', { name: 'Delete' }).last().click();
    await eve.waitFor({ state: 'detached' });

    await page.getByRole('navigation', { name: 'Settings' }).getByText('Tokens').click();
    await page.locator('#account-name').fill('robot');
    await page.getByRole('button', { name: 'Create account' }).click();
    const robot = page.getByTestId('account').filter({ hasText: 'robot' });
    await robot.getByLabel('Name of a new token of robot').fill('first');
    await robot.getByRole('button', { name: 'Create token' }).click();
    const token = await robot.getByTestId('token').innerText();
    const ask = async () => (await fetch(`${program.url}/api/v1/labels`, { headers: { Authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(200);
    await browser.screenshot('settings-tokens');
    await robot.getByRole('button', { name: 'Revoke' }).click();
    await until('it is worth nothing', async () => (await ask()) === 401);
  });

  test('data sources are listed and tested', async () => {
    const { page } = browser;
    await program.api('/api/datasources', { method: 'POST', body: { name: 'Gone', uid: 'gone', type: 'loki', access: 'proxy', url: 'http://127.0.0.1:1' } });
    await browser.goto('/settings');
    await page.getByRole('navigation', { name: 'Settings' }).getByText('Data sources').click();
    const source = (name: string) => page.getByTestId('datasource').filter({ hasText: name });
    expect(await source('http://prometheus:9090').innerText()).toMatch(/Prometheus\s+Prometheus\s+default\s+from a file/);
    await source('http://prometheus:9090').getByRole('button', { name: 'Test' }).click();
    await source('http://prometheus:9090').getByText('Successfully queried the Prometheus API.').waitFor();
    expect(await source('Gone').innerText()).toContain('made by the API');
    await source('Gone').getByRole('button', { name: 'Test' }).click();
    await source('Gone').getByText('connection refused').waitFor();
    await browser.screenshot('settings-datasources');
    await program.api('/api/datasources/uid/gone', { method: 'DELETE' });
  });

  test('a time zone is chosen, and taken back', async () => {
    const { page } = browser;
    const choose = async (text: string, stored: string) => {
      await page.locator('#timezone').fill(text);
      await page.getByText(text, { exact: true }).first().waitFor();
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
      await page.getByRole('heading', { name: 'admin' }).waitFor();
      expect((await program.api<{ timezone: string }>('/api/user/preferences')).timezone).toBe(stored);
    };
    await browser.goto('/settings');
    await choose('Tokyo', 'Asia/Tokyo');
    await choose('Browser Time', 'browser');
  });

  test('a viewer sees no form that he may not send', async () => {
    await program.api('/api/admin/users', { method: 'POST', body: { login: 'vera', password } });
    const { silenceID } = await program.api<{ silenceID: string }>('/api/v2/silences', {
      method: 'POST',
      body: {
        matchers: [{ name: 'job', value: 'x', isRegex: false, isEqual: true }],
        startsAt: new Date().toISOString(),
        endsAt: new Date(Date.now() + 60_000).toISOString(),
        createdBy: 'admin',
        comment: 'to be looked at',
      },
    });
    await program.api('/api/dashboards/db', {
      method: 'POST',
      body: {
        dashboard: {
          uid: 'look',
          title: 'Look',
          schemaVersion: 41,
          panels: [{ id: 1, type: 'stat', title: 'Up', gridPos: { x: 0, y: 0, w: 6, h: 4 }, targets: [{ refId: 'A', expr: 'up' }] }],
        },
        overwrite: true,
      },
    });
    const viewer = await Browser.open(program);
    try {
      const { page } = viewer;
      const refused: string[] = [];
      page.on('response', (r) => r.status() === 403 && refused.push(r.url()));
      await viewer.login('vera');
      for (const path of [
        '/dashboard/new',
        '/dashboard/import',
        '/alerts/silences/new',
        '/settings/users',
        '/settings/tokens',
        '/settings/datasources',
        '/admin/queries',
      ]) {
        await viewer.goto(path);
        await page.getByTestId('refused').waitFor();
        expect(await page.locator('main :is(form, input, textarea, button)').count(), path).toBe(0);
      }
      await viewer.goto(`/alerts/silences/${silenceID}`);
      await page.getByTestId('silence-facts').getByText('to be looked at').waitFor();
      expect(await page.locator('main form').count()).toBe(0);
      await viewer.goto('/d/look?editPanel=panel-1');
      await viewer.settled();
      expect((await page.getByTestId('panel-editor').count()) + (await page.getByTestId('save-dashboard').count())).toBe(0);
      await viewer.goto('/dashboards');
      await page.getByRole('link', { name: 'Look', exact: true }).waitFor();
      expect(await page.getByRole('button', { name: 'New folder' }).count()).toBe(0);
      expect(refused).toEqual([]);
      expect(viewer.complaints).toEqual([]);
    } finally {
      await viewer.close();
    }
  });
});
