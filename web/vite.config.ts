import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/**
 * What every dashboard needs, and the panels that most of them have, in one file with their imports; the document
 * references it on dashboard pages.
 */
const dashboardChunk = 'dashboard';
const neededByDashboards =
  /src\/(pages\/(HomePage|DashboardPage)|datasources\/\w+\/(Prometheus|Loki|Grafana)Datasource|panels\/(timeseries|stat|bargauge|table|state-timeline|text|alertlist)\/plugin)\.tsx?$/;

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: './',
  plugins: [react(), nameDashboardChunk()],
  resolve: {
    alias: [
      // Only ten years of time zone rules instead of all since 1900: 0.9 MB less.
      { find: /^moment-timezone$/, replacement: 'moment-timezone/builds/moment-timezone-with-data-10-year-range.js' },
      // @grafana/ui contains Monaco for editors that are not used here; CodeMirror replaces it.
      { find: /^monaco-editor(\/.*)?$/, replacement: local('src/boot/noMonaco.ts') },
      { find: /^@monaco-editor\/react$/, replacement: local('src/boot/noMonaco.ts') },
      // The libraries use almost nothing of these two.
      { find: /^zod$/, replacement: local('src/boot/noZod.ts') },
      { find: /^react-dom\/server$/, replacement: local('src/boot/noServer.ts') },
      { find: /^react-inlinesvg$/, replacement: local('src/boot/inlineSvg.tsx') },
      // Use a single router: the compatibility router of Grafana's own build adds a second one, which does not know the
      // current location.
      { find: /^react-router-dom-v5-compat$/, replacement: 'react-router-dom' },
      { find: /^uwrap$/, replacement: local('node_modules/uwrap/dist/uWrap.mjs') },
    ],
    dedupe: ['react', 'react-dom', 'rxjs', '@codemirror/state', '@codemirror/view', '@grafana/data', '@grafana/ui'],
  },
  define: { 'process.env.NODE_ENV': JSON.stringify(process.env.NODE_ENV ?? 'production') },
  build: {
    outDir: 'dist',
    // dist/.keep is committed so that the Go program can be built without the UI.
    emptyOutDir: false,
    assetsDir: 'public/build',
    target: 'es2022',
    cssCodeSplit: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4000,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // A few files instead of a hundred, because a browser requests six at a time. Code that only some pages need
        // stays separate.
        codeSplitting: {
          groups: [
            // Expression parsers are small and needed by panels; the editor is not.
            { name: 'grammar', test: /node_modules\/(@lezer\/(common|lr|highlight)|@grafana\/lezer-logql)/, priority: 5 },
            { name: 'editor', test: /node_modules\/(@codemirror|@lezer|@prometheus-io|codemirror|style-mod|crelt|w3c-keyname)/, priority: 4 },
            { name: 'libraries', test: /node_modules|rolldown[/:]runtime/, minShareCount: 3, priority: 3 },
            { name: 'app', tags: ['$initial'], priority: 2 },
            { name: dashboardChunk, test: neededByDashboards, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:3000', '/login': 'http://127.0.0.1:3000', '/static': 'http://127.0.0.1:3000' } },
});

/** Adds the dashboard files to the document; internal/page removes them on other pages. */
function nameDashboardChunk(): Plugin {
  return {
    name: 'name-dashboard-chunk',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle = {} }) =>
        Object.values(bundle)
          .filter((file) => file.type === 'chunk' && file.name === dashboardChunk)
          .map(({ fileName }) => ({
            tag: 'link',
            attrs: { rel: 'modulepreload', crossorigin: '', href: `./${fileName}`, 'data-for': dashboardChunk },
            injectTo: 'head',
          })),
    },
  };
}
