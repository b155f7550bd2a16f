/** How an artifact is displayed. Its extension decides first: the media types of text files differ between machines. */
import type { Artifact } from '../api/mapping';

export type Kind = 'markdown' | 'json' | 'table' | 'image' | 'page' | 'text' | 'none';

const BY_ENDING: Readonly<Record<string, Kind>> = {
  md: 'markdown',
  markdown: 'markdown',
  json: 'json',
  geojson: 'json',
  csv: 'table',
  tsv: 'table',
  png: 'image',
  jpg: 'image',
  jpeg: 'image',
  gif: 'image',
  webp: 'image',
  avif: 'image',
  svg: 'image',
  ico: 'image',
  txt: 'text',
  log: 'text',
  ndjson: 'text',
  jsonl: 'text',
  yaml: 'text',
  yml: 'text',
  toml: 'text',
  xml: 'text',
  html: 'page',
  htm: 'page',
  css: 'text',
  js: 'text',
  ts: 'text',
  py: 'text',
  sh: 'text',
  sql: 'text',
  ini: 'text',
  rst: 'text',
  diff: 'text',
  patch: 'text',
};

export function kindOf({ name, mediaType }: Pick<Artifact, 'name' | 'mediaType'>): Kind {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return (
    BY_ENDING[ending] ??
    (mediaType.startsWith('text/')
      ? 'text'
      : mediaType.startsWith('image/')
        ? 'image'
        : mediaType === 'application/json'
          ? 'json'
          : 'none')
  );
}
