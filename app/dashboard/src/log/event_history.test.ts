import { expect, test, vi } from 'vitest';
import type { EventName } from '../api/mapping';
import { EVENT_PAGE, EventHistory } from './event_history';
import { aLogService, aRecord, someRecords } from './testing';

/** A log in which every third record reports progress. */
const aLog = (from: number, upTo: number) => someRecords(from, upTo, (seq) => (seq % 3 ? {} : { event: 'progress' }));

function watched(records = aLog(1, 900), kinds: readonly EventName[] = ['progress', 'step']) {
  const service = aLogService(records);
  const changed = vi.fn();
  return { history: new EventHistory(service.read, kinds, changed), changed, ...service };
}

const seqs = (history: EventHistory): number[] => history.records.map(({ seq }) => seq);

test('the latest events load first, and earlier ones on request', async () => {
  const { history, requests } = watched();

  await history.open(900);
  expect([seqs(history)[0], seqs(history).length, history.moreBefore]).toEqual([603, EVENT_PAGE, true]);
  await history.loadEarlier();
  await history.loadEarlier();

  expect(seqs(history)).toEqual(Array.from({ length: 300 }, (_, i) => 3 * (i + 1)));
  expect(history.moreBefore).toBe(false);
  expect(requests[1]).toEqual({ before: 603, limit: EVENT_PAGE, event: ['progress', 'step'] });
});

test('records that are both in the page and on the stream are added once', async () => {
  const { history, changed } = watched(aLog(1, 12));
  await history.open(9);

  history.append([...aLog(10, 15), aRecord(16, { event: 'cancel' })]);
  history.append(aLog(13, 15));

  expect(seqs(history)).toEqual([3, 6, 9, 12, 15]);
  expect(changed).toHaveBeenCalledTimes(2);
});

test('events missed by the stream are loaded, over any number of pages', async () => {
  const records = aLog(1, 2000);
  const service = aLogService(records);
  const short = aLogService(records.slice(0, 30));
  const reads = [short.read];
  const history = new EventHistory(
    (query, signal) => (reads.shift() ?? service.read)(query, signal),
    ['progress'],
    () => undefined,
  );
  await history.open(30);

  await history.catchUp(2000);

  const shown = seqs(history);
  expect(shown[shown.length - 1]).toBe(1998);
  expect(shown).toEqual(Array.from({ length: shown.length }, (_, i) => 1998 - 3 * (shown.length - 1 - i)));
  expect(history.moreBefore).toBe(true);
});

test('an endless log stays within bounds', async () => {
  const { history } = watched(aLog(1, 3000));
  await history.open(3000);
  history.append(aLog(3001, 6000));
  expect(history.records.length).toBeLessThanOrEqual(500);
  expect(history.moreBefore).toBe(true);
});

test('events that arrive while earlier ones load leave no gap', async () => {
  const reads = [aLogService(aLog(1, 3000)).read, aLogService(aLog(1, 6000)).read];
  const history = new EventHistory(
    (query, signal) => reads.shift()!(query, signal),
    ['progress'],
    () => undefined,
  );
  await history.open(3000);
  history.append(aLog(3001, 6000));

  const reading = history.loadEarlier();
  history.append(aLog(6001, 6300));
  await reading;

  const shown = seqs(history);
  expect(shown).toEqual(Array.from({ length: shown.length }, (_, i) => 6300 - 3 * (shown.length - 1 - i)));
  history.append(aLog(6301, 9000));
  expect(history.records.length).toBe(shown.length);
});

test('two simultaneous requests for earlier events add them once', async () => {
  const { history } = watched();
  await history.open(900);

  await Promise.all([history.loadEarlier(), history.loadEarlier()]);

  expect(new Set(seqs(history)).size).toBe(seqs(history).length);
});

test('a failure to load earlier events keeps the bounds', async () => {
  const service = aLogService(aLog(1, 3000));
  const reads = [service.read, () => Promise.reject(new Error('unreachable'))];
  const history = new EventHistory(
    (query, signal) => reads.shift()!(query, signal),
    ['progress'],
    () => undefined,
  );
  await history.open(3000);

  await expect(history.loadEarlier()).rejects.toThrow('unreachable');

  history.append(aLog(3001, 6000));
  expect(history.records.length).toBeLessThanOrEqual(500);
});

test('no request is made if no kind is selected', async () => {
  const { history, requests } = watched(aLog(1, 9), []);

  await history.open(9);
  await history.catchUp(20);

  expect([requests, seqs(history), history.isLoaded]).toEqual([[], [], true]);
});
