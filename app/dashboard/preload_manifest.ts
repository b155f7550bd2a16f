/** A Vite plugin that writes `preload.json`: for each address, the files and API requests that its page loads first. */
import type { Plugin } from 'vite';
import { ROUTES } from './src/state/routes.ts';

type Bundle = Parameters<Extract<NonNullable<Plugin['generateBundle']>, (...args: never) => unknown>>[1];

export function preloadManifest(): Plugin {
  return {
    name: 'preload-manifest',
    generateBundle(_, bundle) {
      const pages = ROUTES.map(({ path, component, requests = [] }) => ({
        path,
        files: component === undefined ? [] : [...new Set(filesOf(chunkOf(component, bundle), bundle))],
        requests,
      }));
      this.emitFile({ type: 'asset', fileName: 'preload.json', source: JSON.stringify(pages, null, 2) });
    },
  };
}

function chunkOf(component: string, bundle: Bundle): string {
  const chunk = Object.values(bundle).find(
    (one) => one.type === 'chunk' && one.facadeModuleId?.endsWith(`/src/${component}`),
  );
  if (!chunk) throw new Error(`the route table names ${component}, which is not a chunk of its own`);
  return chunk.fileName;
}

/** A chunk, its styles, and the same of the chunks that it imports. */
function* filesOf(fileName: string, bundle: Bundle): Generator<string> {
  const chunk = bundle[fileName];
  if (chunk?.type !== 'chunk') return;
  yield fileName;
  yield* chunk.viteMetadata?.importedCss ?? [];
  for (const imported of chunk.imports) yield* filesOf(imported, bundle);
}
