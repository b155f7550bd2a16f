import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { aRun } from '../log/testing';
import type { Connection } from './connection';
import { EventStream, type FeedItem } from './event_stream';

interface Attempt {
  readonly url: string;
  readonly signal: AbortSignal;
  answer(status: number): void;
  reply(content: unknown): void;
  send(text: string): void;
  end(): void;
  fail(): void;
}

function aService() {
  const attempts: Attempt[] = [];
  const request = ((url: string, init: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      let controller: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({ start: (made) => void (controller = made) });
      init.signal?.addEventListener('abort', () => {
        reject(new Error('aborted'));
        try {
          controller.error(new Error('aborted'));
        } catch {
          // The stream had ended.
        }
      });
      attempts.push({
        url,
        signal: init.signal!,
        answer: (status) => resolve({ status, ok: status === 200, body } as Response),
        reply: (content) => resolve(Response.json(content)),
        send: (text) => controller.enqueue(new TextEncoder().encode(text)),
        end: () => controller.close(),
        fail: () => reject(new Error('no network')),
      });
    })) as unknown as typeof fetch;
  return { request, attempts };
}

function opened(follows = new Map<number, number>()) {
  const { request, attempts } = aService();
  const items: FeedItem[] = [];
  const states: Connection[] = [];
  const stream = new EventStream(
    '/events',
    { feed: (came) => items.push(...came), connection: (state) => states.push(state) },
    request,
  );
  stream.follow(follows);
  return { stream, attempts, items, states };
}

const settle = () => vi.advanceTimersByTimeAsync(1);
const SNAPSHOT = 'event: runs\ndata: {"runs":[]}\n\n';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a snapshot marks the stream as connected', async () => {
  const { attempts, items, states } = opened();

  attempts[0]!.answer(200);
  attempts[0]!.send(`: ok\n\n${SNAPSHOT}`);
  await settle();

  expect(items).toEqual([{ kind: 'snapshot', runs: [] }]);
  expect(states.at(-1)).toEqual({ state: 'connected' });
});

test('records are grouped by run and chunk, and the next stream continues after them', async () => {
  const { attempts, items } = opened(new Map([[7, 10]]));
  expect(attempts[0]!.url).toBe('/events?follow=7:10');
  attempts[0]!.answer(200);

  attempts[0]!.send(
    SNAPSHOT + [11, 12].map((seq) => `event: log\ndata: {"run":7,"seq":${seq},"message":"x"}\n\n`).join(''),
  );
  await settle();
  attempts[0]!.end();
  await vi.advanceTimersByTimeAsync(600);

  expect(items[1]).toMatchObject({ kind: 'records', runId: 7, records: [{ seq: 11 }, { seq: 12 }] });
  expect(attempts[1]!.url).toBe('/events?follow=7:12');
});

test('chunks can be cut anywhere', async () => {
  const { attempts, items } = opened();
  attempts[0]!.answer(200);

  attempts[0]!.send('event: ru');
  await settle();
  attempts[0]!.send('ns\ndata: {"runs"');
  await settle();
  attempts[0]!.send(':[]}\n\n');
  await settle();

  expect(items).toEqual([{ kind: 'snapshot', runs: [] }]);
});

test('the delay grows with every failure, and the fourth means offline', async () => {
  const { attempts, states } = opened();

  for (const attempt of [0, 1, 2, 3]) {
    attempts[attempt]!.fail();
    await vi.advanceTimersByTimeAsync(4100);
  }

  expect(states.map(({ state }) => state)).toEqual(['reconnecting', 'reconnecting', 'reconnecting', 'offline']);
  expect(attempts.length).toBe(5);
});

test('a manual retry does not wait for the delay', async () => {
  const { stream, attempts } = opened();
  attempts[0]!.fail();
  await settle();

  stream.retryNow();

  expect(attempts.length).toBe(2);
});

test('an expired session is not retried automatically', async () => {
  const { stream, attempts, states } = opened();

  attempts[0]!.answer(401);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(states.at(-1)).toEqual({ state: 'expired' });
  expect(attempts.length).toBe(1);

  stream.retryNow();
  expect(attempts.length).toBe(2);
});

test('a silent stream is dropped', async () => {
  const { attempts } = opened();
  attempts[0]!.answer(200);
  attempts[0]!.send(SNAPSHOT);

  await vi.advanceTimersByTimeAsync(50_000);

  expect(attempts[0]!.signal.aborted).toBe(true);
  expect(attempts.length).toBeGreaterThan(1);
});

test('following other runs reopens the stream without reporting a disconnect', async () => {
  const { stream, attempts, states } = opened(new Map([[7, 10]]));
  attempts[0]!.answer(200);
  attempts[0]!.send(SNAPSHOT);
  await settle();

  stream.follow(
    new Map([
      [7, 3],
      [8, 0],
    ]),
  );
  await settle();

  expect(attempts[0]!.signal.aborted).toBe(true);
  expect(attempts[1]!.url).toBe('/events?follow=7:10&follow=8:0');
  expect(states.map(({ state }) => state)).toEqual(['connected']);
});

test('an unknown run is not followed again', async () => {
  const { attempts } = opened(new Map([[7, 0]]));

  attempts[0]!.answer(404);
  await vi.advanceTimersByTimeAsync(600);

  expect(attempts[1]!.url).toBe('/events');
});

test('a run is converted to the type that the app uses', async () => {
  const { attempts, items } = opened();
  attempts[0]!.answer(200);

  attempts[0]!.send('event: run\ndata: {"id":7,"status":"completed","created_at":"2026-01-01T00:00:00+00:00"}\n\n');
  await settle();

  expect(items).toMatchObject([{ kind: 'run', run: { id: 7, status: 'completed', steps: aRun().steps } }]);
});

const A_RUN = { id: 7, status: 'running', created_at: '2026-01-01T00:00:00+00:00' };
const NO_RECORDS = { records: [], matches: 0, more_before: false, more_after: false };

/** Answers each request except for the stream, and returns their paths. */
async function poll(attempts: ReturnType<typeof aService>['attempts'], status: string): Promise<string[]> {
  const paths: string[] = [];
  for (let i = 0; i < attempts.length; i++) {
    const attempt = attempts[i]!;
    const { url } = attempt;
    if (url.startsWith('/events')) continue;
    paths.push(url);
    const records = url.endsWith('after=0&limit=1000') ? [{ seq: 1, message: 'x' }] : [];
    attempt.reply(url.includes('/log') ? { ...NO_RECORDS, records } : { runs: [{ ...A_RUN, status }] });
    await settle();
  }
  return paths;
}

test('a stream that is held back is replaced by polling', async () => {
  const { attempts, items, states } = opened(new Map([[7, 0]]));
  attempts[0]!.answer(200);
  await vi.advanceTimersByTimeAsync(7_000);

  const first = await poll(attempts, 'running');
  await vi.advanceTimersByTimeAsync(6_000);
  await poll(attempts, 'completed');

  expect(first).toEqual([
    '/runs?status=pending&status=running&limit=1000',
    '/runs?limit=50',
    '/runs/7/log?after=0&limit=1000',
  ]);
  expect(attempts.at(-1)!.url).toBe('/runs/7/log?after=1&limit=1000');
  expect(items).toMatchObject([
    { kind: 'run', run: { id: 7, status: 'running' } },
    { kind: 'records', runId: 7, records: [{ seq: 1 }] },
    { kind: 'run', run: { id: 7, status: 'completed' } },
  ]);
  expect(states.at(-1)).toEqual({ state: 'polling', asOf: expect.closeTo(Date.now(), -3) });
});

test('the state stays the same when a stream that is held back is reopened', async () => {
  const { attempts, states } = opened();
  for (let second = 0; second < 60; second += 5) {
    await vi.advanceTimersByTimeAsync(5_000);
    await poll(attempts, 'running');
  }

  expect(attempts.filter(({ url }) => url === '/events')).toHaveLength(2);
  expect(new Set(states.map(({ state }) => state))).toEqual(new Set(['polling']));
});

test('polling ends when the stream comes through', async () => {
  const { attempts, states } = opened();
  attempts[0]!.answer(200);
  await vi.advanceTimersByTimeAsync(7_000);
  await poll(attempts, 'running');

  attempts[0]!.send(SNAPSHOT);
  await settle();
  const requests = attempts.length;
  await vi.advanceTimersByTimeAsync(15_000);

  expect(states.at(-1)).toEqual({ state: 'connected' });
  expect(attempts.length).toBe(requests);
});

test('a stream whose comments stop is replaced by polling', async () => {
  const { attempts } = opened();
  attempts[0]!.answer(200);
  attempts[0]!.send(SNAPSHOT);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(attempts).toHaveLength(1);

  await vi.advanceTimersByTimeAsync(7_000);

  expect(attempts.at(-1)!.url).toBe('/runs?limit=50');
});

test('polling that fails leaves the age of the data as it is', async () => {
  const { attempts, states } = opened();
  const openedAt = Date.now();
  await vi.advanceTimersByTimeAsync(7_000);
  for (const attempt of attempts.slice()) if (!attempt.url.startsWith('/events')) attempt.fail();
  await vi.advanceTimersByTimeAsync(40_000);

  expect(states.at(-1)).toMatchObject({ state: 'reconnecting', asOf: openedAt });
});

test('closing the stream ends the polling', async () => {
  const { stream, attempts } = opened();
  await vi.advanceTimersByTimeAsync(7_000);

  stream.close();
  const requests = attempts.length;
  await vi.advanceTimersByTimeAsync(20_000);

  expect(attempts.length).toBe(requests);
});
