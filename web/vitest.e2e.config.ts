import { defineConfig } from 'vitest/config';

// The real program and a real browser; one after the other, since the machine has few cores.
export default defineConfig({
  test: {
    environment: 'node',
    // A folder of dashboards is a campaign of its own: npm run corpus.
    include: [process.env['DASHBOARDS'] ? 'e2e/*.campaign.ts' : 'e2e/**/*.e2e.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    server: { deps: { inline: [/@grafana\//] } },
  },
});
