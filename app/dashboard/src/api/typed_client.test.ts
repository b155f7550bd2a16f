import { expect, test } from 'vitest';
import type { paths } from './schema';
import { createClient } from './typed_client';

const sent: Request[] = [];
const client = (answer = '{}') =>
  createClient<paths>('http://localhost/base', (request) => {
    sent.push(request);
    return Promise.resolve(new Response(answer));
  });

const last = (): Request => sent[sent.length - 1]!;

test('a name in the path is encoded', async () => {
  await client().GET('/api/v1/projects/{project}/runs', { params: { path: { project: 'a/b c' } } });

  expect(last().url).toBe('http://localhost/base/api/v1/projects/a%2Fb%20c/runs');
});

test('the query has what is given, encoded', async () => {
  await client().GET('/api/v1/runs/{run_id}/log', {
    params: { path: { run_id: 7 }, query: { limit: 0, step: undefined, q: 'a&b=c +d' } as never },
  });

  expect(last().url).toBe('http://localhost/base/api/v1/runs/7/log?limit=0&q=a%26b%3Dc%20%2Bd');
});

test('a value of several is repeated in the query', async () => {
  await client().GET('/api/v1/runs/{run_id}/log', {
    params: { path: { run_id: 7 }, query: { event: ['step', 'group'], step: null, stream: [] } as never },
  });

  expect(last().url).toBe('http://localhost/base/api/v1/runs/7/log?event=step&event=group');
});

test('a body is sent as JSON, with the headers that are given', async () => {
  await client().POST('/api/v1/projects/{project}/runs', {
    params: { path: { project: 'site' }, header: { 'Idempotency-Key': 'k' } },
    body: { scope: 'full' },
  });

  expect(last().method).toBe('POST');
  expect(last().headers.get('content-type')).toBe('application/json');
  expect(last().headers.get('idempotency-key')).toBe('k');
  expect(await last().json()).toEqual({ scope: 'full' });
});

test('a request without a body has no content type', async () => {
  await client().DELETE('/api/v1/runs/{run_id}/pin', { params: { path: { run_id: 7 } } });

  expect(last().method).toBe('DELETE');
  expect(last().headers.get('content-type')).toBeNull();
});

test('the request is aborted with its signal', async () => {
  const abort = new AbortController();
  await client().GET('/api/v1/workers', { signal: abort.signal });

  abort.abort();

  expect(last().signal.aborted).toBe(true);
});

test('the answer is its JSON, and undefined if it is empty', async () => {
  expect((await client('{"targets": []}').GET('/api/v1/notify')).data).toEqual({ targets: [] });
  expect((await client('').GET('/api/v1/notify')).data).toBeUndefined();
});
