import { expect, test } from 'vitest';
import { parseRoute } from './routes';

test.each([
  ['/', { page: 'overview' }],
  ['/runs', { page: 'runs' }],
  ['/runs/7', { page: 'run-by-id', runId: 7 }],
  ['/p/novel', { page: 'project', project: 'novel' }],
  ['/p/novel/', { page: 'project', project: 'novel' }],
  ['/p/a%20b', { page: 'project', project: 'a b' }],
  ['/p/novel/runs/7', { page: 'run', project: 'novel', runId: 7 }],
  ['/p/novel/runs/7/artifacts/a%2Fb/c.md', { page: 'artifact', project: 'novel', runId: 7, name: 'a/b/c.md' }],
  ['/compare/1/2', { page: 'compare', a: 1, b: 2 }],
])('%s opens %j', (path, route) => {
  expect(parseRoute(path)).toEqual(route);
});

test.each([
  '/elsewhere',
  '/runs/seven',
  '/runs/1/2',
  `/runs/${'9'.repeat(16)}`,
  '/p',
  '/p/novel/runs',
  '/p/novel/runs/seven',
  '/p/novel/runs/7/artifacts',
  '/compare/1',
  '/compare/1/b',
  '/p/%E0%A4%A',
])('%s opens no page', (path) => {
  expect(parseRoute(path)).toEqual({ page: 'unknown' });
});
