import { expect, test } from 'vitest';
import { TextFinder } from './finding';
import { MAX_COUNTED, Matches } from './matches';
import { aLogService, aRecord, someRecords } from './testing';

function matchesOf(count: number, every: number): Matches {
  const { read } = aLogService(someRecords(1, count, (seq) => ({ message: seq % every ? 'other' : 'needle' })));
  return new Matches(new TextFinder('needle'), read);
}

/** Starts at this record, and counts. */
async function counted(matches: Matches, seq: number): Promise<number | null> {
  const found = await matches.start(seq);
  await matches.count();
  return found;
}

test('a search starts at the current position and counts matches', async () => {
  const matches = matchesOf(100, 10);

  const found = await counted(matches, 35);

  expect([found, matches.position, matches.total, matches.isComplete]).toEqual([40, 4, 10, true]);
});

test('next and previous wrap around at the ends', async () => {
  const matches = matchesOf(30, 10);
  await counted(matches, 30);

  expect(await matches.go(1)).toBe(10);
  expect(await matches.go(-1)).toBe(30);
  expect(matches.position).toBe(3);
});

test('the first match and the lines around it are known before the log is read', async () => {
  const { read, requests } = aLogService(someRecords(1, 5000, () => ({ message: 'needle' })));
  const matches = new Matches(new TextFinder('needle'), read);

  expect(await matches.start(2000)).toBe(2000);

  expect([matches.position, matches.total, matches.isComplete, requests.length]).toEqual([null, 1, false, 1]);
  expect(requests[0]).toEqual({ after: 1999, q: 'needle', limit: 1, context: 100, scan: 50_000 });
});

test('counting ends when there are very many matches', async () => {
  const matches = matchesOf(25_000, 2);

  await counted(matches, 1);

  expect([matches.position, matches.total, matches.isComplete, matches.all]).toEqual([1, MAX_COUNTED, false, null]);
});

test('the matches beyond the counted ones are reached, and the last one from the first', async () => {
  const matches = matchesOf(22_002, 2);
  await counted(matches, 1);

  expect(await matches.go(-1)).toBe(22_002);
  expect(await matches.go(-1)).toBe(22_000);
  expect(matches.position).toBeNull();
  expect(await matches.go(1)).toBe(22_002);
  expect(await matches.go(1)).toBe(2);
  expect(matches.position).toBe(1);
});

test('each part of a long log that is read is reported', async () => {
  const matches = matchesOf(120_000, 100_000);
  const read: number[] = [];

  matches.onRead = () => read.push(matches.read);

  const found = await counted(matches, 60_000);

  expect([found, matches.total, matches.isComplete]).toEqual([100_000, 1, true]);
  expect(read[read.length - 1]).toBeGreaterThanOrEqual(100_000);
  expect(read).toEqual([...read].sort((a, b) => a - b));
});

test('a part of the log that is being read does not lose matches of the stream', async () => {
  const { read } = aLogService([aRecord(1, { message: 'needle' })]);
  const matches = new Matches(new TextFinder('needle'), read);

  const started = matches.start(1);
  matches.append([aRecord(2, { message: 'needle' })]);
  await started;

  expect(matches.total).toBe(2);
});

test('a search without matches has no current match', async () => {
  const matches = matchesOf(10, 100);

  expect(await matches.start(1)).toBeNull();
  expect(await matches.go(1)).toBeNull();
});

test('matches from the stream are counted and reachable', async () => {
  const matches = matchesOf(20, 10);
  await counted(matches, 20);

  matches.append([aRecord(21), aRecord(22, { message: 'a \x1b[1mNEEDLE' })]);

  expect(matches.total).toBe(3);
  expect(await matches.go(1)).toBe(22);
});

test('matches from the stream are counted once, and only those that pass the filters', async () => {
  const { read } = aLogService([aRecord(20, { message: 'needle' })]);
  const matches = new Matches(new TextFinder('needle'), read, ({ level }) => level === 'error');
  await counted(matches, 20);

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

test('until the pause is over, only what is near is read', async () => {
  const { read, requests } = aLogService(
    someRecords(1, 120_000, (seq) => ({ message: seq < 120_000 ? 'other' : 'needle' })),
  );
  let end = (): void => undefined;
  const pause = new Promise<void>((resolve) => (end = resolve));
  const matches = new Matches(new TextFinder('needle'), read, undefined, pause);

  const started = matches.start(1);
  await new Promise((resolve) => setTimeout(resolve));
  expect(requests.map(({ scan }) => scan)).toEqual([50_000]);
  end();

  expect(await started).toBe(120_000);
  expect(requests.map(({ scan }) => scan)).toEqual([50_000, 300_000]);
});

test('a search that is stopped in the pause reads nothing more', async () => {
  const { read, requests } = aLogService(someRecords(1, 120_000, () => ({ message: 'other' })));
  let end = (): void => undefined;
  const pause = new Promise<void>((resolve) => (end = resolve));
  const matches = new Matches(new TextFinder('needle'), read, undefined, pause);

  const started = matches.start(1);
  await new Promise((resolve) => setTimeout(resolve));
  matches.close();
  end();

  await expect(started).rejects.toThrow();
  expect(requests.length).toBe(1);
});

test('known matches are not searched', async () => {
  const { read, requests } = aLogService([]);
  const matches = new Matches(new TextFinder('needle'), read);

  expect(await matches.start(15, [10, 20, 30])).toBe(20);
  await matches.count();
  matches.append([aRecord(31, { message: 'needle' })]);

  expect([matches.position, matches.total, matches.isComplete, requests.length]).toEqual([2, 4, true, 0]);
});
