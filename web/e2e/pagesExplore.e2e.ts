import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, repository, until } from './program';

const script = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
const logql = (expr: string, more = '') => `/explore?g0.expr=${encodeURIComponent(expr)}&g0.source=loki&g0.range_input=1h${more}`;
const promql = (expr: string, more = '') => `/explore?g0.expr=${encodeURIComponent(expr)}&g0.range_input=1h&g0.tab=0${more}`;

let program: Program;
let browser: Browser;
let peer: Server;
let logs: string;
const times: string[] = ['page | ms', '--- | ---'];

async function push(stream: Record<string, string>, lines: string[], agoMs = 0) {
  const now = BigInt(Date.now() - agoMs) * 1_000_000n;
  const values = lines.map((line, i) => [String(now - BigInt(lines.length - i)), line]);
  for (let i = 0; i < values.length; i += 10_000) {
    await program.send('/loki/api/v1/push', { streams: [{ stream, values: values.slice(i, i + 10_000) }] });
  }
}

beforeAll(async () => {
  peer = createServer((_, response) => {
    const series = Array.from({ length: 10_000 }, (_, i) => `many_series{user="u${i}"} ${i}`);
    response
      .setHeader('Content-Type', 'text/plain')
      .end(`# TYPE many_series gauge\n${series.join('\n')}\n# TYPE made_total counter\nmade_total{container="api"} ${Date.now() / 1000}\n`);
  });
  await new Promise<void>((done) => peer.listen(0, '127.0.0.1', done));
  logs = mkdtempSync(join(tmpdir(), 'ausguck-logs-'));
  writeFileSync(join(logs, 'tailed.log'), 'the beginning\n');
  program = await Program.start({
    files: {
      'promtail.yml': `clients: [{url: 'http://loki:3100/loki/api/v1/push'}]\nscrape_configs:\n- {job_name: files, static_configs: [{targets: [localhost], labels: {container: tailed, __path__: '${logs}/*.log'}}]}\n`,
      'prometheus.yml': `global: {scrape_interval: 2s}\nscrape_configs:\n- {job_name: made, honor_labels: true, static_configs: [{targets: ['127.0.0.1:${(peer.address() as { port: number }).port}']}]}\n`,
      'loki.yml':
        'auth_enabled: false\nlimits_config: {max_line_size: 2MB, ingestion_rate_mb: 100, ingestion_burst_size_mb: 200, per_stream_rate_limit: 100MB, per_stream_rate_limit_burst: 200MB}\npattern_ingester: {enabled: true}\n',
    },
  });
  await push({ container: 'api', job: 'shop' }, [
    `${'long '.repeat(200_000)}end`,
    ...Array.from({ length: 10 }, (_, i) => `level=info msg="order stored" order=${i} status=200`),
    `level=error msg="payment failed ${script}" order=11 status=500`,
    '\u001b[31mred\u001b[0m and \u001b[1mbold\u001b[0m, a bell \u0007 and \u001b]8;;javascript:window.pwned=1\u0007a link',
    'left \u202eright to left\u202c שלום عليكم',
    '{"level":"warn","message":"stock is low","item":{"id":7}}',
  ]);
  await until('the lines are there', async () => ((await program.logs('{container="api"}')) ?? 0) === 15, 60_000);
  await until('there are series', async () => ((await program.query('count(many_series)')) ?? 0) === 10_000, 60_000);
}, 180_000);

afterAll(async () => {
  await program?.stop();
  peer?.close();
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(join(repository, 'test/e2e/out'), { recursive: true });
  writeFileSync(join(repository, 'test/e2e/out/explore.md'), `${times.join('\n')}\n`);
});

beforeEach(async () => {
  browser = await Browser.open(program);
  await browser.login();
});

afterEach(async (context) => {
  await browser.screenshot(`end-of-${context.task.name}`);
  const { complaints } = browser;
  const pwned = await browser.page.evaluate(() => (window as { pwned?: number }).pwned);
  await browser.close();
  expect(pwned).toBeUndefined();
  expect(complaints).toEqual([]);
});

const lines = () => browser.page.getByRole('log', { name: 'Lines', exact: true });
const count = async () => Number(await browser.page.getByTestId('lines').getAttribute('data-lines'));

async function timed(name: string, act: () => Promise<unknown>) {
  const started = Date.now();
  await act();
  times.push(`${name} | ${Date.now() - started}`);
}

describe('log lines', () => {
  test('are shown safely, with levels, volume, and nothing of them runs', async () => {
    const { page } = browser;
    await browser.goto(logql('{container="api"}'));
    await lines().getByText(`payment failed ${script}`).waitFor();
    await page.locator('[data-testid=volume][data-series]').waitFor();
    const text = await lines().innerText();
    expect(text).toContain('red and bold, a bell ⟨U+0007⟩ and a link');
    expect(text).toContain('left ⟨U+202E⟩right to left⟨U+202C⟩ שלום');
    expect(text).toContain('1,000 of 1,000,003 letters are shown');
    expect(text).not.toMatch(/[\u0007\u001b\u202e]/);
    expect(await lines().locator('[title=error]').count()).toBe(1);
    expect(await lines().locator('[title=warning]').count()).toBe(1);
    await browser.screenshot('explore-logs');
    await page.getByRole('radio', { name: 'Raw' }).click();
    await page.waitForURL(/g0\.wrap=0/);
    await page.getByRole('button', { name: 'Newest first' }).click();
    await page.waitForURL(/g0\.order=asc/);
    await browser.screenshot('explore-logs-raw');
  });

  test('a click filters by label and by field, and the context of a line is shown', async () => {
    const { page } = browser;
    await browser.goto(logql('{job="shop"}'));
    await lines().getByText('order=7 ').waitFor();
    // A line followed by many others is in the middle of its context.
    const early = lines().locator('[data-key]').filter({ hasText: 'order=0 ' });
    await early.getByRole('button', { name: 'Show details' }).click();
    await early.getByRole('button', { name: 'Lines around this one' }).click();
    await page.getByTestId('marked').getByText('order=0 ').waitFor();
    const around = (await page.getByRole('log', { name: 'Lines around this one' }).boundingBox())!;
    await until('the line is in the middle', async () => {
      const marked = await page.getByTestId('marked').boundingBox(); // null while the list is drawn again
      return marked !== null && Math.abs(marked.y + marked.height / 2 - around.y - around.height / 2) < 40;
    });
    await page.keyboard.press('Escape');
    const row = lines().locator('[data-key]').filter({ hasText: 'order=7 ' });
    await row.getByRole('button', { name: 'Show details' }).click();
    await row.getByRole('button', { name: 'Lines around this one' }).click();
    await page.getByTestId('context').getByText('order=6 ').waitFor();
    expect(await page.getByTestId('marked').innerText()).toContain('order=7 ');
    await browser.screenshot('explore-context');
    await page.keyboard.press('Escape');
    await row.getByRole('button', { name: 'Only lines with this order' }).click();
    await until('one line is left', async () => (await count()) === 1);
    expect(await page.getByLabel('LogQL query').innerText()).toBe('{job="shop"} | logfmt | order="7"');
    await page.getByRole('button', { name: 'Fields' }).click();
    await page
      .getByTestId('fields')
      .getByRole('button', { name: /^container/ })
      .click();
    await page.getByTestId('fields').getByRole('button', { name: 'No lines with this container' }).click();
    await page.getByText('No lines match in this time range').waitFor();
  });

  test('patterns say what most lines look like', async () => {
    const { page } = browser;
    await until(
      'Loki has found a pattern',
      async () => {
        await push(
          { container: 'patterns' },
          Array.from({ length: 50 }, (_, i) => `connection ${i} from 10.0.0.${i} closed after ${i * 3} ms`)
        );
        const now = Date.now();
        const { data } = await program.api<{ data: unknown[] | null }>(
          `/loki/api/v1/patterns?query=${encodeURIComponent('{container="patterns"}')}&start=${now - 3_600_000}000000&end=${now}000000`
        );
        return (data?.length ?? 0) > 0;
      },
      60_000
    );
    await browser.goto(logql('{container="patterns"}', '&g0.side=patterns'));
    await page.getByTestId('patterns').getByText('connection <_> from').first().waitFor();
    await browser.screenshot('explore-patterns');
    await page.getByTestId('patterns').getByRole('button', { name: 'Only lines like this' }).first().click();
    await page.waitForURL(/%7C%3E/);
    await lines().getByText('connection 7 from').first().waitFor();
  });

  test('the log file of a container is followed live, through a pause', async () => {
    const { page } = browser;
    const write = (line: string) => appendFileSync(join(logs, 'tailed.log'), `${line}\n`);
    await browser.goto(logql('{container="tailed"}'));
    await lines().getByText('the beginning').waitFor();
    await page.getByRole('button', { name: 'Live' }).click();
    await page.locator('[data-testid=live][data-state=live]').waitFor();
    write('a new line');
    await page.getByRole('log', { name: 'Live lines' }).getByText('a new line').waitFor();
    await browser.screenshot('explore-live');
    await page.getByRole('button', { name: 'Pause' }).click();
    write('while it is paused');
    await until('it is stored', async () => ((await program.logs('{container="tailed"} |= "paused"')) ?? 0) === 1);
    expect(await page.getByRole('log', { name: 'Live lines' }).getByText('while it is paused').count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('log', { name: 'Live lines' }).getByText('while it is paused').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByTestId('volume').waitFor();
  });

  test('a hundred thousand lines are read in pages, can be stopped, and scroll', async () => {
    const { page } = browser;
    await push(
      { container: 'big' },
      Array.from({ length: 110_000 }, (_, i) => `line ${i} of many, with some words to make it as long as lines are level=${i % 50 === 0 ? 'error' : 'info'}`)
    );
    await browser.goto(logql('{container="big"}'));
    await until('the first thousand is there', async () => (await count()) === 1000);
    await page.getByText('are not shown').waitFor();
    // The second page is delayed, as by a slow Loki, until the user stops.
    let asked = 0;
    await page.route(/query_range\?.*limit=5000/, (route) => (++asked === 1 ? route.continue() : undefined));
    await page.getByRole('button', { name: 'Show 100,000' }).click();
    await page.getByText('5,000 of at most 100,000 lines…').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('are not shown').waitFor();
    expect(await count()).toBe(5000);
    await page.unrouteAll();
    await timed('100,000 lines', async () => {
      await page.getByRole('button', { name: 'Run' }).click();
      await until('all are there', async () => (await count()) === 100_000, 90_000);
    });
    await page.getByText('Narrow the time range').waitFor();
    await timed('from the first to the last of 100,000 lines', async () => {
      await lines().evaluate((e) => e.scrollTo(0, e.scrollHeight));
      await lines().getByText('line 10000 of').waitFor();
    });
    await browser.screenshot('explore-many');
  }, 240_000);

  test('what is written is completed', async () => {
    const { page } = browser;
    await browser.goto('/explore?g0.source=loki');
    await page.getByLabel('LogQL query').click();
    await page.keyboard.type('{cont');
    // The editor ignores Enter while a completion list is less than 75 ms old, so that users do not accept something unseen.
    const offered = async (text: string) => {
      await page.locator('.cm-tooltip-autocomplete').getByText(text).waitFor();
      await page.waitForTimeout(150);
    };
    await offered('container');
    await page.keyboard.press('Enter');
    await page.keyboard.type('=');
    await offered('"api"');
    await browser.screenshot('explore-completion');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Shift+Enter');
    await lines().getByText('order=7 ').waitFor();
  });
});

describe('metrics', () => {
  test('from a graph to the lines of the same container at the same time, and back', async () => {
    const { page } = browser;
    await browser.goto(promql('rate(made_total[1m])'));
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    await page.getByRole('link', { name: 'Logs' }).click();
    await lines().getByText('order=7 ').waitFor();
    expect(await page.getByLabel('LogQL query').innerText()).toBe('{container="api"}');
    await page.getByRole('link', { name: 'Back to the graph' }).click();
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    expect(await page.getByLabel('PromQL query').innerText()).toBe('rate(made_total[1m])');
  });

  test('an expression is explained step by step', async () => {
    const { page } = browser;
    await browser.goto(promql('count(many_series > 9989) / sum(nothing_there)', '').replace('g0.tab=0', 'g0.tab=explain'));
    await page.locator('[data-testid=step][data-series="10000"]').waitFor();
    await page.locator('[data-testid=step][data-series="10"]').waitFor();
    await until('what is missing is seen', async () => (await page.locator('[data-testid=step][data-series="0"]').count()) === 3);
    await page.getByTestId('query-stats').getByText('samples read').waitFor();
    await browser.screenshot('explore-explain');
  });

  test('ten thousand series stay responsive, and what is left out is said', async () => {
    const { page } = browser;
    await timed('10,000 series', async () => {
      await browser.goto(promql('many_series'));
      await page.getByText('300 of 10000 series are drawn').waitFor();
    });
    await page.getByRole('radio', { name: 'Table' }).click();
    await page.getByText('Series (1000 of 10000)').waitFor();
    await page.getByTestId('stats').getByText('10,000 series').waitFor();
  });

  test('any Prometheus and Loki can be asked, also again and again', async () => {
    const { page } = browser;
    await program.api('/api/datasources', {
      method: 'POST',
      body: { name: 'Far away', uid: 'far', type: 'prometheus', access: 'proxy', url: 'http://prometheus:9090' },
    });
    await browser.goto('/explore?g0.expr=made_total&g0.range_input=5m&g0.tab=0&refresh=1s');
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    await page.getByLabel('Data source').click();
    await page.getByRole('option', { name: 'Far away PromQL' }).click();
    await page.waitForURL(/g0\.source=far.*refresh=1s/);
    const asked: string[] = [];
    page.on('request', (r) => /\/api\/(ds|ausguck)\/query/.test(r.url()) && asked.push(r.postData() ?? ''));
    await until('it is asked twice more', () => asked.length >= 2);
    expect(asked.every((body) => body.includes('"uid":"far"'))).toBe(true);
    expect(await page.locator('[data-testid=graph][data-series="1"]').count()).toBe(1);
    await browser.goto('/explore?g0.expr=up&g0.source=nobody');
    await page.getByText('No data sources nobody').waitFor();
    await program.api('/api/datasources/uid/far', { method: 'DELETE' });
  });

  test('history, several queries, sharing and a panel of a query', async () => {
    const { page } = browser;
    await browser.goto(promql('made_total'));
    await page.locator('[data-testid=graph][data-series="1"]').waitFor();
    await page.getByRole('button', { name: 'Add query' }).click();
    await until('there are two', async () => (await page.getByTestId('query').count()) === 2);
    await page.getByRole('button', { name: 'History' }).click();
    await page.getByTestId('history').getByText('made_total').click();
    await until('both are drawn', async () => (await page.locator('[data-testid=graph][data-series="1"]').count()) === 2);
    await page.getByRole('button', { name: 'Share' }).click();
    await page.getByText('Link copied').waitFor();
    await page.getByRole('button', { name: 'Add to a dashboard' }).first().click();
    await page.locator('#add-title').fill('What was made');
    await browser.screenshot('explore-add');
    await page.getByRole('button', { name: 'Add the panel' }).click();
    await page.waitForURL(/\/d\//);
    await page.getByRole('heading', { name: 'What was made' }).first().waitFor();
  });
});

const pages = [
  ['logs', logql('{container="api"}')],
  ['fields', logql('{container="api"}', '&g0.side=fields')],
  ['graph', promql('made_total')],
  ['explain', promql('sum(made_total)').replace('g0.tab=0', 'g0.tab=explain')],
] as const;

describe('looks', () => {
  test.each(['dark', 'light'] as const)('the %s theme', async (theme) => {
    await browser.page.evaluate(
      async (t) => fetch('/api/user/preferences', { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ theme: t }) }),
      theme
    );
    for (const [name, path] of pages) {
      await browser.goto(path);
      await browser.page.waitForLoadState('networkidle');
      await browser.screenshot(`${theme}-explore-${name}`);
      expect(await browser.unreadable(), name).toEqual([]);
    }
  });

  test('a phone does not scroll sideways', async () => {
    const { page } = browser;
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [name, path] of pages) {
      await browser.goto(path);
      await page.waitForLoadState('networkidle');
      await browser.screenshot(`phone-explore-${name}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(390);
    }
  });
});
