import { defineConfig } from 'vitest/config';

// The real program and a real browser. Most tests wait for scrapes and evaluations, so two files at a time take half as long on two cores.
export default defineConfig({
  test: {
    environment: 'node',
    // A folder of dashboards is a campaign of its own: npm run corpus.
    include: [process.env['DASHBOARDS'] ? 'e2e/*.campaign.ts' : 'e2e/**/*.e2e.ts'],
    minWorkers: 2,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    server: { deps: { inline: [/@grafana\//] } },
  },
});
