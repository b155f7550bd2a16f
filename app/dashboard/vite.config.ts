import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { preloadManifest } from './preload_manifest.ts';

/** The service behind `npm run dev`. */
const SERVICE = 'http://127.0.0.1:8700';

export default defineConfig({
  // Relative, so that the same files work under any path; the service writes its own path into index.html.
  base: './',
  plugins: [svelte(), preloadManifest()],
  build: {
    outDir: '../solorun/dashboard/static',
    emptyOutDir: true,
    // The content security policy blocks data: fonts and scripts.
    assetsInlineLimit: 0,
    target: 'es2022',
    // The first browsers with light-dark(). Compiling it away for older ones would disable the theme switch.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One file for the code that all pages share, and one for what some of them do: each extra file is a request
        // that the first paint waits for.
        codeSplitting: {
          groups: [
            { name: 'shared', test: /\.(ts|js|svelte)$/, tags: ['$initial'], priority: 1 },
            { name: 'common', test: /\.(ts|js)$|@lucide/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': SERVICE, '/login': SERVICE, '/logout': SERVICE } },
  // Generous, because slow machines are no failure: these limits only stop tests that hang.
  test: {
    environment: 'jsdom',
    // One document for all files of a worker: making one for each takes six times as long as the tests.
    isolate: false,
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/testing_locale.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
