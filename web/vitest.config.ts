import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^monaco-editor(\/.*)?$/, replacement: local('src/boot/noMonaco.ts') },
      { find: /^zod$/, replacement: local('src/boot/noZod.ts') },
      { find: /^react-inlinesvg$/, replacement: local('src/boot/inlineSvg.tsx') },
      { find: /^react-router-dom-v5-compat$/, replacement: 'react-router-dom' },
      { find: /^uwrap$/, replacement: local('node_modules/uwrap/dist/uWrap.mjs') },
    ],
  },
  test: {
    environment: 'jsdom',
    testTimeout: 30_000,
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/boot/testSetup.ts'],
    server: { deps: { inline: [/@grafana\//] } },
  },
});
