import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { aRun, someRecords } from '../log/testing';
import type { EventStreamEvents } from './event_stream';
import { SharedStream, type Environment } from './shared_stream';

/** A browser: one lock, one channel, and the streams that its tabs have opened. */
function aBrowser(hasLocks = true) {
  const streams: { events: EventStreamEvents; wanted: Map<number, number>; retries: number; isOpen: boolean }[] = [];
  const listeners = new Map<object, (event: { data: unknown }) => void>();
  const queue: (() => void)[] = [];
  let isHeld = false;
  const grantNext = (): void => {
    if (!isHeld) queue.shift()?.();
  };
  const locks = {
    request: (_name: string, { signal }: LockOptions, callback: () => Promise<void> | undefined) =>
      new Promise<void>((resolve, reject) => {
        const grant = (): void => {
          isHeld = true;
          void Promise.resolve(callback()).then(() => {
            isHeld = false;
            resolve();
            grantNext();
          });
        };
        queue.push(grant);
        signal?.addEventListener('abort', () => {
          const at = queue.indexOf(grant);
          if (at >= 0) queue.splice(at, 1);
          reject(new Error('aborted'));
        });
        grantNext();
      }),
  };
  const environment: Environment = {
    locks: hasLocks ? (locks as unknown as LockManager) : undefined,
    openChannel: () => {
      const channel = {
        postMessage: (data: unknown) =>
          [...listeners].forEach(([other, listen]) => other !== channel && listen({ data: structuredClone(data) })),
        addEventListener: (_: string, listen: unknown) =>
          void listeners.set(channel, listen as (event: { data: unknown }) => void),
        close: () => void listeners.delete(channel),
      };
      return channel;
    },
    openStream: (events) => {
      const stream = { events, wanted: new Map<number, number>(), retries: 0, isOpen: true };
      streams.push(stream);
      return {
        follow: (wanted) => void (stream.wanted = new Map(wanted)),
        retryNow: () => void stream.retries++,
        close: () => void (stream.isOpen = false),
      };
    },
  };
  const openTab = () => {
    const received = { snapshot: vi.fn(), run: vi.fn(), records: vi.fn(), connection: vi.fn() };
    const tab = new SharedStream(environment, received);
    tab.open();
    return { tab, received };
  };
  return { streams, openTab };
}

const settle = () => vi.advanceTimersByTimeAsync(50);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('ten tabs share one stream, and all receive its events', async () => {
  const { streams, openTab } = aBrowser();
  const tabs = Array.from({ length: 10 }, openTab);

  streams[0]!.events.feed([{ kind: 'run', run: aRun({ id: 7 }) }]);
  await settle();

  expect(streams.length).toBe(1);
  expect(tabs.map(({ received }) => received.run.mock.calls.length)).toEqual(Array(10).fill(1));
});

test('a tab that joins later gets the unfinished runs and the connection state', async () => {
  const { streams, openTab } = aBrowser();
  openTab();
  streams[0]!.events.connection({ state: 'connected' });
  streams[0]!.events.feed([{ kind: 'snapshot', runs: [aRun({ id: 7 }), aRun({ id: 8 })] }]);
  streams[0]!.events.feed([{ kind: 'run', run: aRun({ id: 8, status: 'completed' }) }]);
  streams[0]!.events.feed([{ kind: 'run', run: aRun({ id: 9, status: 'queued' }) }]);
  await settle();

  const { received } = openTab();

  expect(received.connection).toHaveBeenLastCalledWith({ state: 'connected' });
  expect(received.snapshot).toHaveBeenCalledExactlyOnceWith([aRun({ id: 7 }), aRun({ id: 9, status: 'queued' })]);
});

test('the stream follows the runs of all tabs, until they stop', () => {
  const { streams, openTab } = aBrowser();
  const [first, second] = [openTab(), openTab()];

  const stop = first.tab.follow(7, 100);
  second.tab.follow(8, 5);
  expect(streams[0]!.wanted).toEqual(
    new Map([
      [7, 100],
      [8, 5],
    ]),
  );

  stop();
  expect(streams[0]!.wanted).toEqual(new Map([[8, 5]]));
});

test('when the leader is hidden, another tab continues its stream', async () => {
  const { streams, openTab } = aBrowser();
  const [first, second] = [openTab(), openTab()];
  second.tab.follow(7, 0);
  streams[0]!.events.feed([{ kind: 'records', runId: 7, records: someRecords(1, 40) }]);
  await settle();

  first.tab.close();
  await settle();

  expect(streams.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  expect(second.tab.isLeader).toBe(true);
  expect(streams[1]!.wanted).toEqual(new Map([[7, 40]]));
});

test('a hidden tab receives nothing, and joins again when shown', async () => {
  const { streams, openTab } = aBrowser();
  const { tab, received } = openTab();
  const other = openTab();

  other.tab.close();
  streams[0]!.events.feed([{ kind: 'run', run: aRun() }]);
  await settle();
  expect(other.received.run).not.toHaveBeenCalled();
  expect(received.run).toHaveBeenCalledOnce();

  other.tab.open();
  tab.close();
  await settle();
  expect(other.tab.isLeader).toBe(true);
});

test('runs followed by a hidden tab are no longer followed', () => {
  const { streams, openTab } = aBrowser();
  openTab();
  const other = openTab();
  other.tab.follow(7, 3);

  other.tab.close();

  expect(streams[0]!.wanted).toEqual(new Map());
});

test('records that arrive close together are forwarded together', async () => {
  const { streams, openTab } = aBrowser();
  openTab();
  const { received } = openTab();

  streams[0]!.events.feed([{ kind: 'records', runId: 7, records: someRecords(1, 2) }]);
  streams[0]!.events.feed([{ kind: 'run', run: aRun({ status: 'completed' }) }]);
  expect(received.records).not.toHaveBeenCalled();
  await settle();

  expect(received.records).toHaveBeenCalledExactlyOnceWith(7, someRecords(1, 2));
  expect(received.records.mock.invocationCallOrder[0]).toBeLessThan(received.run.mock.invocationCallOrder[0]!);
});

test('any tab can retry immediately', () => {
  const { streams, openTab } = aBrowser();
  openTab();
  const { tab } = openTab();

  tab.retryNow();

  expect(streams[0]!.retries).toBe(1);
});

test('without Web Locks, every tab has its own stream', async () => {
  const { streams, openTab } = aBrowser(false);
  const tabs = [openTab(), openTab()];

  streams[0]!.events.feed([{ kind: 'run', run: aRun() }]);
  await settle();

  expect(streams.length).toBe(2);
  expect(tabs.map(({ received }) => received.run.mock.calls.length)).toEqual([1, 0]);
});
