import { expect, test } from 'vitest';
import { TextFinder } from './finding';
import { Matches } from './matches';
import { aLogService, aRecord, someRecords } from './testing';

function matchesOf(count: number, every: number): Matches {
  const { read } = aLogService(someRecords(1, count, (seq) => ({ message: seq % every ? 'other' : 'needle' })));
  return new Matches(new TextFinder('needle'), read);
}

test('a search starts at the current position and counts matches', async () => {
  const matches = matchesOf(100, 10);

  const found = await matches.start(35);

  expect([found, matches.position, matches.total]).toEqual([40, 4, 10]);
});

test('next and previous wrap around at the ends', async () => {
  const matches = matchesOf(30, 10);
  await matches.start(30);

  expect(await matches.go(1)).toBe(10);
  expect(await matches.go(-1)).toBe(30);
  expect(matches.position).toBe(3);
});

test('beyond a thousand matches, the next page loads and the position stays correct', async () => {
  const matches = matchesOf(5000, 2);
  await matches.start(3001);
  expect([matches.current, matches.position, matches.total]).toEqual([3002, 1501, 2500]);

  await matches.start(4999);
  await matches.go(1);

  expect([matches.current, matches.position]).toEqual([2, 1]);
});

test('a search without matches has no current match', async () => {
  const matches = matchesOf(10, 100);

  expect(await matches.start(1)).toBeNull();
  expect(await matches.go(1)).toBeNull();
});

test('matches from the stream are counted and reachable', async () => {
  const matches = matchesOf(20, 10);
  await matches.start(20);

  matches.append([aRecord(21), aRecord(22, { message: 'a \x1b[1mNEEDLE' })]);

  expect(matches.total).toBe(3);
  expect(await matches.go(1)).toBe(22);
});

test('matches from the stream are counted once, and only those that pass the filters', async () => {
  const { read } = aLogService([aRecord(20, { message: 'needle' })]);
  const matches = new Matches(new TextFinder('needle'), read, ({ level }) => level === 'error');
  await matches.start(20);

  matches.append([20, 21, 22].map((seq) => aRecord(seq, { message: 'needle', level: seq === 21 ? 'info' : 'error' })));

  expect(matches.total).toBe(2);
});

test('a match whose line began before the stream is found', async () => {
  const matches = matchesOf(0, 1);
  await matches.start(1);
  matches.precede([aRecord(1, { message: 'nee', partial: true })]);

  matches.append([aRecord(2, { message: 'dle' })]);

  expect(matches.total).toBe(1);
});

test('a stopped search makes its request fail, so that the service can stop reading', async () => {
  const signals: AbortSignal[] = [];
  const matches = new Matches(new TextFinder('needle'), (_, signal) => {
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });

  const started = matches.start(1);
  matches.close();

  await expect(started).rejects.toThrow();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a search is under way until the service has answered', async () => {
  const matches = matchesOf(10, 5);
  expect(matches.isSearching).toBe(false);

  const started = matches.start(1);
  expect(matches.isSearching).toBe(true);
  await started;

  expect(matches.isSearching).toBe(false);
});

test('a search that could not be answered has failed, and found nothing', async () => {
  const matches = new Matches(new TextFinder('needle'), () => Promise.reject(new Error('the service is away')));

  await expect(matches.start(1)).rejects.toThrow();

  expect([matches.isSearching, matches.hasFailed, matches.total]).toEqual([false, true, 0]);
});
