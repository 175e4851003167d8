import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** What every dashboard needs, and panels that most have: one file, with what they import, which the document names for pages of dashboards. */
const dashboardChunk = 'dashboard';
const neededByDashboards =
  /src\/(pages\/(HomePage|DashboardPage)|datasources\/\w+\/(Prometheus|Loki|Grafana)Datasource|panels\/(timeseries|stat|bargauge|table|state-timeline|text|alertlist)\/plugin)\.tsx?$/;

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: './',
  plugins: [react(), nameDashboardChunk()],
  resolve: {
    alias: [
      // Ten years of time zone rules instead of all since 1900: 0.9 MB less.
      { find: /^moment-timezone$/, replacement: 'moment-timezone/builds/moment-timezone-with-data-10-year-range.js' },
      // @grafana/ui carries Monaco for editors that are not used here; CodeMirror does their work.
      { find: /^monaco-editor(\/.*)?$/, replacement: local('src/boot/noMonaco.ts') },
      { find: /^@monaco-editor\/react$/, replacement: local('src/boot/noMonaco.ts') },
      // Of these two the libraries use next to nothing.
      { find: /^zod$/, replacement: local('src/boot/noZod.ts') },
      { find: /^react-dom\/server$/, replacement: local('src/boot/noServer.ts') },
      { find: /^react-inlinesvg$/, replacement: local('src/boot/inlineSvg.tsx') },
      // One router: the compatible one of Grafana's own build brings a second, which does not know where it is.
      { find: /^react-router-dom-v5-compat$/, replacement: 'react-router-dom' },
      { find: /^uwrap$/, replacement: local('node_modules/uwrap/dist/uWrap.mjs') },
    ],
    dedupe: ['react', 'react-dom', 'rxjs', '@codemirror/state', '@codemirror/view', '@grafana/data', '@grafana/ui'],
  },
  define: { 'process.env.NODE_ENV': JSON.stringify(process.env.NODE_ENV ?? 'production') },
  build: {
    outDir: 'dist',
    // dist/.keep is committed so that a build of the Go program alone works.
    emptyOutDir: false,
    assetsDir: 'public/build',
    target: 'es2022',
    cssCodeSplit: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4000,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // A few files instead of a hundred: a browser asks for six at a time. What only some pages need stays apart.
        codeSplitting: {
          groups: [
            // What reads expressions is small, and panels need it; the editor is not.
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

/** Lets the document name the files of dashboards; internal/page leaves the names out for other pages. */
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
