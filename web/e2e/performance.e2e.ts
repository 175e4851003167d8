import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Browser } from './browser';
import { Program, repository, until } from './program';

const nodeExporterFull = JSON.parse(readFileSync(resolve(repository, '../shared/dashboards/node-exporter-full.json'), 'utf8')) as {
  panels: Array<{ type: string; collapsed?: boolean; panels?: object[] }>;
};

let program: Program;

beforeAll(async () => {
  // All rows expanded, as a user might save it.
  const panels = nodeExporterFull.panels.flatMap((p) =>
    p.type === 'row' && p.collapsed ? [{ ...p, collapsed: false, panels: [] }, ...(p.panels ?? [])] : [p]
  );
  program = await Program.start({
    files: {
      'prometheus.yml':
        "global: {scrape_interval: 1s}\nscrape_configs:\n- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}\n- {job_name: node-exporter, static_configs: [{targets: ['node-exporter:9100']}]}\n",
    },
  });
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard: { ...nodeExporterFull, panels, uid: 'full', title: 'Full' } } });
  await until('graphs have two points', async () => ((await program.query('min(count_over_time(node_load1[1m]))')) ?? 0) > 20, 60_000);
});

afterAll(() => program?.stop());

const lines = ['page | first paint | all drawn | requests | transferred | scripts | JS heap', '--- | --- | --- | --- | --- | --- | ---'];

afterAll(() => {
  mkdirSync(join(repository, 'test/e2e/out'), { recursive: true });
  writeFileSync(join(repository, 'test/e2e/out/performance.md'), `${lines.join('\n')}\n`);
});

/** Loads a page with an empty cache and records the measurements; sizes and requests are checked, times are not. */
test.each([
  ['login', '/login', 0.05, 10],
  ['Overview', '/', 0.75, 30],
  ['Node Exporter Full, all rows open', '/d/full/full?from=now-5m&to=now', 0.75, 40],
])('%s', async (name, path, scriptLimit, requestLimit) => {
  const browser = await Browser.open(program, { width: 1400, height: 900 });
  try {
    if (path !== '/login') {
      await browser.login();
    }
    const client = await browser.page.context().newCDPSession(browser.page);
    await client.send('Network.enable');
    await client.send('Network.clearBrowserCache');
    let requests = 0;
    let bytes = 0;
    const scripts = new Map<string, number>();
    const urls = new Map<string, string>();
    client.on('Network.responseReceived', ({ requestId, response }) => urls.set(requestId, response.url));
    client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      requests++;
      bytes += encodedDataLength;
      const url = urls.get(requestId) ?? '';
      if (url.endsWith('.js')) {
        scripts.set(url, encodedDataLength);
      }
    });
    const started = Date.now();
    await browser.goto(path);
    let drawn = Date.now() - started;
    if (path !== '/login') {
      await browser.page.waitForSelector('[data-testid=dashboard]');
      await browser.settled();
      // settled() requires four quiet checks, a tenth of a second apart.
      drawn = Date.now() - started - 400;
    }
    const paint = await browser.page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
    await client.send('HeapProfiler.enable');
    await client.send('HeapProfiler.collectGarbage');
    const { usedSize } = await client.send('Runtime.getHeapUsage');
    const scriptBytes = [...scripts.values()].reduce((sum, size) => sum + size, 0);
    lines.push(
      `${name} | ${Math.round(paint)} ms | ${drawn} ms | ${requests} | ${(bytes / 1e6).toFixed(2)} MB | ${scripts.size}, ${(scriptBytes / 1e6).toFixed(2)} MB | ${(usedSize / 1e6).toFixed(0)} MB`
    );
    expect(scriptBytes / 1e6).toBeLessThan(scriptLimit);
    expect(requests).toBeLessThan(requestLimit);
    expect(browser.complaints).toEqual([]);
  } finally {
    await browser.close();
  }
});
