import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The entry loads the application with a dynamic import; the page tells the browser about it at once. */
function preloadApplication(): Plugin {
  return {
    name: 'preload-application',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const files = new Set<string>();
        const add = (file: string) => {
          const chunk = bundle?.[file];
          if (chunk?.type !== 'chunk' || files.has(file)) {
            return;
          }
          files.add(file);
          chunk.imports.forEach(add);
        };
        for (const chunk of Object.values(bundle ?? {})) {
          if (chunk.type === 'chunk' && chunk.facadeModuleId === local('src/app/application.tsx')) {
            add(chunk.fileName);
          }
        }
        return {
          html,
          tags: [...files].map((file) => ({
            tag: 'link',
            attrs: { rel: 'modulepreload', href: `./${file}` },
            injectTo: 'head' as const,
          })),
        };
      },
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react(), preloadApplication()],
  resolve: {
    alias: [
      // Ten years of time zone rules instead of all since 1900: 0.9 MB less.
      { find: /^moment-timezone$/, replacement: 'moment-timezone/builds/moment-timezone-with-data-10-year-range.js' },
      // @grafana/ui carries Monaco for editors that are not used here; CodeMirror does their work.
      { find: /^monaco-editor(\/.*)?$/, replacement: local('src/boot/noMonaco.ts') },
      { find: /^@monaco-editor\/react$/, replacement: local('src/boot/noMonaco.ts') },
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
  },
  server: { proxy: { '/api': 'http://127.0.0.1:3000', '/login': 'http://127.0.0.1:3000', '/static': 'http://127.0.0.1:3000' } },
});
