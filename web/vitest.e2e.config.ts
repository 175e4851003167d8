import { defineConfig } from 'vitest/config';

// The real program and a real browser; one after the other, since the machine has few cores.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['e2e/**/*.e2e.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    server: { deps: { inline: [/@grafana\//] } },
  },
});
