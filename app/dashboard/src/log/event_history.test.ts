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

test('the last events are read, and earlier ones when they are asked for', async () => {
  const { history, asked } = watched();

  await history.open(900);
  expect([seqs(history)[0], seqs(history).length, history.moreBefore]).toEqual([603, EVENT_PAGE, true]);
  await history.readEarlier();
  await history.readEarlier();

  expect(seqs(history)).toEqual(Array.from({ length: 300 }, (_, i) => 3 * (i + 1)));
  expect(history.moreBefore).toBe(false);
  expect(asked[1]).toEqual({ before: 603, limit: EVENT_PAGE, event: ['progress', 'step'] });
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

test('a log that tells of progress without end is kept in bounds and loses nothing that was asked for', async () => {
  const { history } = watched(aLog(1, 3000));
  await history.open(3000);
  history.append(aLog(3001, 6000));
  expect(history.records.length).toBeLessThanOrEqual(500);
  expect(history.moreBefore).toBe(true);
});

test('without any kind nothing is asked', async () => {
  const { history, asked } = watched(aLog(1, 9), []);

  await history.open(9);
  await history.catchUp(20);

  expect([asked, seqs(history), history.isRead]).toEqual([[], [], true]);
});
