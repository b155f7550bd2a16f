import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { preloadManifest } from './preload_manifest';

/** The service that `npm run dev` talks to. */
const SERVICE = 'http://127.0.0.1:8700';

export default defineConfig({
  // Relative, so that the same files serve under any prefix; the service writes its own into index.html.
  base: './',
  plugins: [svelte(), preloadManifest()],
  build: {
    outDir: '../solorun/dashboard/static',
    emptyOutDir: true,
    // A data: font or script would be refused by the content security policy.
    assetsInlineLimit: 0,
    target: 'es2022',
    // The first with light-dark(): a minifier that writes it out for older ones takes the choice of a theme away.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What several parts share, in one file: each file is a request that a first sight waits for.
        codeSplitting: { groups: [{ name: 'shared', test: /\.(ts|js|svelte)$/, tags: ['$initial'] }] },
      },
    },
  },
  server: { proxy: { '/api': SERVICE, '/login': SERVICE, '/logout': SERVICE } },
  // How long a test takes says something of the machine: the limit only ends what hangs.
  test: { environment: 'jsdom', include: ['src/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
});
