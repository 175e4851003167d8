import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { Browser } from './browser';
import { config, sample } from './flows.sample';
import { password, Program, repository, until } from './program';

const original = readFileSync(resolve(repository, '../shared/original/dashboard.json'), 'utf8');

let program: Program;

beforeAll(async () => {
  program = await Program.start({ files: { 'prometheus.yml': config } });
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard: sample, overwrite: true } });
  await program.api('/api/admin/users', {
    method: 'POST',
    body: { login: 'vera', name: 'Vera', email: 'vera@example.org', password: 'viewer password 1', OrgId: 1 },
  });
  const user = await program.api<{ id: number }>('/api/users/lookup?loginOrEmail=vera');
  await program.api(`/api/org/users/${user.id}`, { method: 'PATCH', body: { role: 'Viewer' } });
  await until('graphs have two points', async () => ((await program.query('min(count_over_time(node_load1[1m]))')) ?? 0) > 32, 60_000);
});

afterAll(() => program?.stop());

/** A separate browser for each test, so that tests are isolated; nothing may be logged to its console. */
let browser: Browser;
beforeEach(async ({ task }) => {
  browser = await Browser.open(program);
  return async () => {
    await browser.screenshot(`end-of-${task.name}`);
    const { complaints } = browser;
    await browser.close();
    expect(complaints).toEqual([]);
  };
});

describe('who may', () => {
  test('a wrong password is told and the right one leads to where one wanted to go', async () => {
    const { page } = browser;
    await browser.goto('/d/sample/x');
    expect(page.url()).toContain('/login');
    await browser.screenshot('login');
    await page.fill('input[name=user]', 'admin');
    await page.fill('input[name=password]', 'wrong');
    await page.click('button[type=submit]');
    expect(await page.innerText('body')).toMatch(/invalid|wrong|incorrect/i);
    await page.fill('input[name=user]', 'admin');
    await page.fill('input[name=password]', password);
    await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
    await page.waitForSelector('[data-testid=dashboard][data-uid=sample]');
  });

  test('a viewer sees and may not save', async () => {
    const { page } = browser;
    await browser.login('vera', 'viewer password 1');
    await browser.dashboard('/d/sample/x');
    expect(await page.locator('[data-testid=save-dashboard]').count()).toBe(0);
    expect(await page.getByText('Add panel').count()).toBe(0);
    const status = await page.evaluate(
      async () =>
        (
          await fetch('/api/dashboards/db', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: '{"dashboard":{"title":"x","panels":[]}}',
          })
        ).status
    );
    expect(status).toBe(403);
    await browser.goto('/dashboard/import');
    await page.getByTestId('refused').getByText('This page is for editors').waitFor();
  });

  test('an ended session leads to the login page and back', async () => {
    const { page } = browser;
    await browser.login();
    await browser.dashboard('/d/sample/x');
    await page.context().clearCookies();
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.waitForURL(/\/login\?redirectTo=/);
    await browser.login();
    await page.waitForSelector('main');
  });
});

describe('a dashboard', () => {
  beforeEach(() => browser.login());

  test('shows live data; time range, variable, zoom and legend work', async () => {
    const { page } = browser;
    const [first] = await browser.dashboard('/d/sample/x');
    expect(first).toMatchObject({ state: 'Done', hasData: true });
    const before = await page.getByRole('heading', { name: /^CPU / }).innerText();

    await page.getByTestId('data-testid TimePicker Open Button').click();
    await page.getByText('Last 15 minutes', { exact: true }).click();
    await until('the URL has the range', () => page.url().includes('from=now-15m'));

    await page.goto(`${program.url}/d/sample/x?var-mode=user`);
    await browser.settled();
    expect(await page.getByRole('heading', { name: 'CPU user' }).count()).toBe(1);
    expect(before).not.toBe('CPU user');

    const over = (await page.locator('.u-over').first().boundingBox())!;
    await page.mouse.move(over.x + over.width * 0.85, over.y + over.height / 2);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width * 0.99, over.y + over.height / 2, { steps: 5 });
    await page.mouse.up();
    await until('zoom made the range absolute', () => /from=\d{4}-/.test(decodeURIComponent(page.url())));

    await browser.settled();
    const legend = page.locator('[data-testid^="data-testid VizLegend series"] button');
    const all = await legend.count();
    expect(all).toBeGreaterThan(1);
    await legend.first().click();
    await until(
      'only the chosen series is left',
      async () => (await browser.report())[0]!.frames.filter((f) => f.fields.some((field) => field.type === 'number' && !field.hidden)).length === 1
    );
    await browser.screenshot('one-series');
  });

  test('can be inspected', async () => {
    const { page } = browser;
    await browser.dashboard('/d/sample/x?inspect=panel-1&inspectTab=data');
    await page.getByTestId('inspect-table').getByRole('grid').waitFor();
    await browser.screenshot('inspect');
    await page.getByRole('tab', { name: 'Query' }).click();
    expect(await page.getByTestId('inspect-query').innerText()).toContain('rate(node_cpu_seconds_total{mode="');
    await page.getByRole('tab', { name: 'JSON' }).click();
    await page.getByText('"refId": "A"').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      (async () => {
        await page.getByRole('tab', { name: 'Data' }).click();
        await page.getByRole('button', { name: 'Download CSV' }).click();
      })(),
    ]);
    expect(readFileSync((await download.path())!, 'utf8')).toMatch(/^\uFEFF?"Time",.*\r?\n\d{4}-/);
  });

  test('is edited, saved, and is the same after a reload', async () => {
    const { page } = browser;
    await browser.goto('/d/sample/x?editPanel=panel-1');
    await page.waitForSelector('[data-testid=panel-editor]');
    await page.fill('#panel-title', 'Edited');
    await page.getByTestId('option-unit').locator('input').click();
    await page.getByText('Misc', { exact: true }).click();
    await page.getByText('Percent (0.0-1.0)', { exact: true }).click();
    await browser.screenshot('editor');
    await page.getByTestId('apply-panel').click();
    await page.getByRole('heading', { name: 'Edited' }).waitFor();
    await page.getByTestId('save-dashboard').click();
    await page.getByTestId('save-confirm').click();
    await page.getByText('Dashboard saved').waitFor();
    await page.goto(`${program.url}/d/sample/x`);
    const [panel] = await browser.settled();
    expect(panel!.title).toBe('Edited');
    expect(panel!.frames[0]!.fields[1]!.last).toMatch(/%$/);
    const { dashboard } = await program.api<{ dashboard: { panels: Array<{ fieldConfig: { defaults: { unit?: string } } }>; version: number } }>(
      '/api/dashboards/uid/sample'
    );
    expect(dashboard.panels[0]!.fieldConfig.defaults.unit).toBe('percentunit');
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByText('Versions').click();
    await page.getByRole('button', { name: 'Restore' }).first().waitFor();
    await browser.screenshot('versions');
  });

  test('is edited as JSON, which is checked', async () => {
    const { page } = browser;
    await browser.dashboard('/d/sample/x');
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByText('JSON', { exact: true }).click();
    const editor = page.locator('.cm-content');
    await editor.click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('{"title": "", "panels": {}}');
    await page.getByTestId('apply-json').click();
    await page.getByText('"title" must be a text that is not empty').waitFor();
    await page.keyboard.press('Escape');
  });

  test('the original dashboard imports and shows its five panels', async () => {
    const { page } = browser;
    await browser.goto('/dashboard/import');
    await page.locator('.cm-content').click();
    await page.keyboard.insertText(original);
    expect(await page.getByTestId('import-summary').innerText()).toContain('5 panels');
    await browser.screenshot('import');
    await page.getByTestId('import-confirm').click();
    await page.waitForSelector('[data-testid=dashboard]');
    expect((await browser.settled()).map((r) => [r.title, r.type])).toEqual([
      ['Service Health', 'stat'],
      ['HTTP Request Rate', 'timeseries'],
      ['Response Time P95', 'timeseries'],
      ['ADO Webhook Processing', 'timeseries'],
      ['Container Resource Usage', 'timeseries'],
    ]);
  });
});

describe('bad input', () => {
  beforeEach(() => browser.login());

  test('what is no dashboard is refused with a reason', async () => {
    const { page } = browser;
    await browser.goto('/dashboard/import');
    for (const [text, reason] of [
      ['[1, 2]', 'A dashboard must be a JSON object'],
      ['{"a": 1}', 'It has no title'],
      ['{', 'It is not JSON'],
    ] as const) {
      await page.locator('.cm-content').click();
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(text);
      await page.getByText(reason).first().waitFor();
    }
  });

  test('label values, Markdown, links and titles run nothing', async () => {
    const { page } = browser;
    const script = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
    const datasource = { type: 'prometheus', uid: 'prometheus' };
    const hostile = {
      uid: 'hostile',
      title: script,
      schemaVersion: 42,
      description: script,
      links: [{ title: script, url: 'javascript:window.pwned=1', type: 'link', icon: 'info', tags: [] }],
      templating: {
        list: [
          { name: 'v', label: script, type: 'custom', query: `a,${script.replace(/,/g, '')}` },
          { name: 'a', type: 'query', query: 'label_values(up{x="$b"}, job)', datasource },
          { name: 'b', type: 'query', query: 'label_values(up{x="$a"}, job)', datasource },
        ],
      },
      panels: [
        {
          id: 1,
          type: 'text',
          title: script,
          gridPos: { x: 0, y: 0, w: 12, h: 6 },
          options: { mode: 'markdown', content: `${script}\n\n[click](javascript:window.pwned=1) <a href="javascript:window.pwned=1">x</a>` },
        },
        {
          id: 2,
          type: 'text',
          title: 'html',
          gridPos: { x: 12, y: 0, w: 12, h: 6 },
          options: { mode: 'html', content: `${script}<svg onload="window.pwned=1"></svg><iframe src="javascript:window.pwned=1"></iframe>` },
        },
        ...['timeseries', 'stat', 'table', 'gauge', 'bargauge', 'piechart', 'state-timeline'].map((type, i) => ({
          id: 3 + i,
          type,
          title: type,
          gridPos: { x: (i % 4) * 6, y: 6 + Math.floor(i / 4) * 6, w: 6, h: 6 },
          datasource,
          targets: [{ refId: 'A', expr: `label_replace(vector(1), "x", "${script.replace(/"/g, '\\"')}", "", "")`, legendFormat: '{{x}}' }],
          fieldConfig: { defaults: { links: [{ title: script, url: 'javascript:window.pwned=1' }] }, overrides: [] },
          options: {},
        })),
        {
          id: 20,
          type: 'timeseries',
          title: 'fails',
          gridPos: { x: 0, y: 20, w: 12, h: 6 },
          datasource,
          targets: [{ refId: 'A', expr: 'sum(' }],
          options: {},
          fieldConfig: { defaults: {}, overrides: [] },
        },
        {
          id: 21,
          type: 'nobody-knows-this',
          title: 'unknown',
          gridPos: { x: 12, y: 20, w: 12, h: 6 },
          datasource,
          targets: [{ refId: 'A', expr: 'up' }],
          options: {},
          fieldConfig: { defaults: {}, overrides: [] },
        },
      ],
    };
    await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard: hostile, overwrite: true } });
    const reports = await browser.dashboard('/d/hostile/x');
    await browser.screenshot('hostile');
    expect(await page.evaluate(() => (window as { pwned?: number }).pwned)).toBeUndefined();
    for (const link of await page.locator('a[href^="javascript:"]').all()) {
      throw new Error(`a link that runs: ${await link.evaluate((e) => e.outerHTML)}`);
    }
    expect(reports.find((r) => r.title === 'fails')!.errors[0]).toContain('parse error');
    expect(await browser.panel('fails').innerText()).toContain('parse error');
    expect(await browser.panel('unknown').innerText()).toContain('nobody-knows-this');
    expect(await page.getByText('need each other in a circle').count()).toBe(1);
    // The content security policy blocks the images of the attack, as intended.
    browser.complaints.length = 0;
  });

  test('an unknown dashboard says so, and one with slashes in its uid is refused', async () => {
    await browser.goto('/d/nothing-here/x');
    await browser.page.getByText('The dashboard could not be loaded').or(browser.page.getByText('Page not found')).waitFor();
    for (const uid of ['a%2Fb', '..%2F..%2Fetc']) {
      const answer = await browser.page.goto(`${program.url}/d/${uid}/x`);
      expect(answer!.status()).toBe(400);
      expect(await answer!.text()).toContain('the path holds an encoded slash');
    }
  });

  test('10 MB of JSON are refused with the limit', async () => {
    const body = { dashboard: { title: 'big', panels: [], description: 'x'.repeat(10.5 * 1024 * 1024) } };
    await expect(program.api('/api/dashboards/db', { method: 'POST', body })).rejects.toThrow(/413.*(MiB|MB)/);
  });
});

describe('everyone', () => {
  test.each(['dark', 'light'] as const)('the pages in the %s theme', async (theme) => {
    await browser.page.emulateMedia({ colorScheme: theme });
    await browser.goto('/login');
    await browser.screenshot(`${theme}-login`);
    expect(await browser.unreadable()).toEqual([]);
    await browser.login();
    await browser.page.evaluate(
      async (t) => fetch('/api/user/preferences', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ theme: t }) }),
      theme
    );
    for (const [name, path] of [
      ['home', '/'],
      ['dashboards', '/dashboards'],
      ['import', '/dashboard/import'],
      ['profile', '/profile'],
      ['dashboard', '/d/sample/x'],
      ['editor', '/d/sample/x?editPanel=panel-1'],
      ['status', '/status'],
    ] as const) {
      await browser.goto(path);
      await browser.page.waitForSelector('main');
      await browser.settled();
      await browser.screenshot(`${theme}-${name}`);
      expect(await browser.unreadable()).toEqual([]);
    }
  });

  test('a phone shows panels below each other and the menu over the page', async () => {
    const { page } = browser;
    await page.setViewportSize({ width: 390, height: 844 });
    await browser.login();
    await browser.dashboard('/d/sample/x');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await browser.screenshot('phone-dashboard');
    await page.getByRole('button', { name: 'Open the menu' }).click();
    await page.getByRole('navigation', { name: 'Main' }).getByText('Dashboards').click();
    await page.waitForURL(/\/dashboards/);
    await browser.screenshot('phone-browse');
  });

  test('the keyboard reaches everything', async () => {
    const { page } = browser;
    await browser.login();
    await browser.dashboard('/d/sample/x');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Search dashboards, pages and actions').waitFor();
    await page.keyboard.type('Sample');
    await page.getByRole('option', { name: /Sample/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-uid=sample]');
    await page.keyboard.press('?');
    await page.getByText('Keyboard shortcuts').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('d');
    await page.keyboard.press('k');
    await until('kiosk mode hides the header', async () => (await page.locator('header').count()) === 0);
    await page.keyboard.press('Escape');
    await page.locator('header').waitFor();
  });
});
