import { expect, test, vi } from 'vitest';
import type { EventName } from '../api/mapping';
import { EVENT_PAGE, EventHistory } from './event_history';
import { aLogService, aRecord, someRecords } from './testing';

/** A log in which every third record tells of progress. */
const aLog = (from: number, upTo: number) => someRecords(from, upTo, (seq) => (seq % 3 ? {} : { event: 'progress' }));

function watched(records = aLog(1, 900), kinds: readonly EventName[] = ['progress', 'step']) {
  const service = aLogService(records);
  const changed = vi.fn();
  return { history: new EventHistory(service.read, kinds, changed), changed, ...service };
}

const seqs = (history: EventHistory): number[] => history.records.map(({ seq }) => seq);

test('the last events are read, and earlier ones when they are requests for', async () => {
  const { history, requests } = watched();

  await history.open(900);
  expect([seqs(history)[0], seqs(history).length, history.moreBefore]).toEqual([603, EVENT_PAGE, true]);
  await history.loadEarlier();
  await history.loadEarlier();

  expect(seqs(history)).toEqual(Array.from({ length: 300 }, (_, i) => 3 * (i + 1)));
  expect(history.moreBefore).toBe(false);
  expect(requests[1]).toEqual({ before: 603, limit: EVENT_PAGE, event: ['progress', 'step'] });
});

test('what the stream brings is added once, though the page held some of it', async () => {
  const { history, changed } = watched(aLog(1, 12));
  await history.open(9);

  history.append([...aLog(10, 15), aRecord(16, { event: 'cancel' })]);
  history.append(aLog(13, 15));

  expect(seqs(history)).toEqual([3, 6, 9, 12, 15]);
  expect(changed).toHaveBeenCalledTimes(2);
});

test('what the stream did not bring is read, however many pages it takes', async () => {
  const records = aLog(1, 2000);
  const service = aLogService(records);
  const short = aLogService(records.slice(0, 30));
  const reads = [short.read];
  const history = new EventHistory((query, signal) => (reads.shift() ?? service.read)(query, signal), ['progress'], () => undefined);
  await history.open(30);

  await history.catchUp(2000);

  const shown = seqs(history);
  expect(shown[shown.length - 1]).toBe(1998);
  expect(shown).toEqual(Array.from({ length: shown.length }, (_, i) => 1998 - 3 * (shown.length - 1 - i)));
  expect(history.moreBefore).toBe(true);
});

test('a log that tells of progress without end is kept in bounds and loses nothing that was requests for', async () => {
  const { history } = watched(aLog(1, 3000));
  await history.open(3000);
  history.append(aLog(3001, 6000));
  expect(history.records.length).toBeLessThanOrEqual(500);
  expect(history.moreBefore).toBe(true);
});

test('what the stream brings while earlier events are read leaves no gap before them', async () => {
  const reads = [aLogService(aLog(1, 3000)).read, aLogService(aLog(1, 6000)).read];
  const history = new EventHistory((query, signal) => reads.shift()!(query, signal), ['progress'], () => undefined);
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

test('earlier events that are requests for twice at once are shown once', async () => {
  const { history } = watched();
  await history.open(900);

  await Promise.all([history.loadEarlier(), history.loadEarlier()]);

  expect(new Set(seqs(history)).size).toBe(seqs(history).length);
});

test('a failure to read earlier events leaves the bounds as they were', async () => {
  const service = aLogService(aLog(1, 3000));
  const reads = [service.read, () => Promise.reject(new Error('out of reach'))];
  const history = new EventHistory((query, signal) => reads.shift()!(query, signal), ['progress'], () => undefined);
  await history.open(3000);

  await expect(history.loadEarlier()).rejects.toThrow('out of reach');

  history.append(aLog(3001, 6000));
  expect(history.records.length).toBeLessThanOrEqual(500);
});

test('without any kind nothing is requests', async () => {
  const { history, requests } = watched(aLog(1, 9), []);

  await history.open(9);
  await history.catchUp(20);

  expect([requests, seqs(history), history.isLoaded]).toEqual([[], [], true]);
});
