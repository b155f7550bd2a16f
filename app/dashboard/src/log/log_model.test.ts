import { expect, test, vi } from 'vitest';
import { TextFinder } from './finding';
import { LogModel } from './log_model';
import { aLogService, aRecord, aRun, aRunStep, someRecords } from './testing';

const NONE = { step: null, level: null, stream: null, text: null };

function opened(records = someRecords(1, 5000), run = aRun({ lastSeq: 5000 }), filters: LogModel['filters'] = NONE) {
  const service = aLogService(records);
  const model = new LogModel(service.read);
  model.open(run, filters);
  return { model, ...service };
}

const seqs = (model: LogModel, from: number, count: number): (number | undefined)[] =>
  model.rows(from, count).map((row) => row?.seq);

test('opening a log loads nothing; showing rows does', async () => {
  const { model, requests } = opened();
  expect(requests).toEqual([]);

  model.load(4980, 5000);

  await vi.waitFor(() => expect(seqs(model, 4998, 2)).toEqual([4999, 5000]));
  expect(requests).toEqual([{ after: 4000, before: 5001, limit: 1000 }]);
});

test('a page in flight is not requested again', async () => {
  const { model, requests } = opened();

  model.load(0, 10);
  model.load(5, 15);

  await vi.waitFor(() => expect(seqs(model, 0, 1)).toEqual([1]));
  expect(requests.length).toBe(1);
});

test('a page that ends before its limit is followed by the page after it', async () => {
  const service = aLogService(someRecords(1, 100), 40);
  const model = new LogModel(service.read);
  model.open(aRun({ lastSeq: 100 }), NONE);

  for (const loaded of [40, 80, 100]) {
    model.load(0, 100);
    await vi.waitFor(() => expect(model.isLoaded(loaded)).toBe(true));
  }

  expect(seqs(model, 0, 101)).toEqual(someRecords(1, 100).map((record) => record.seq));
});

test('a step filter shows only the records of that step', async () => {
  const records = someRecords(1, 300, (seq) => ({ step: seq > 100 && seq <= 200 ? 'translate' : 'other' }));
  const step = aRunStep({ status: 'completed', startedAt: 0, finishedAt: 1, exitCode: 0, firstSeq: 101, lastSeq: 200 });

  const { model } = opened(records, aRun({ lastSeq: 300, steps: [step] }), {
    step: 'translate',
    level: null,
    stream: null,
    text: null,
  });
  model.load(0, 20);

  await vi.waitFor(() => expect(seqs(model, 0, 2)).toEqual([101, 102]));
  expect(model.length).toBe(100);
});

test('a level filter drops lower records from the stream', async () => {
  const counts = { debug: 0, info: 9, warning: 0, error: 1 };
  const { model } = opened(
    [...someRecords(1, 9), aRecord(10, { level: 'error' })],
    aRun({ lastSeq: 10, levelCounts: counts }),
    { step: null, level: 'warning', stream: null, text: null },
  );
  model.load(0, 20);
  await vi.waitFor(() => expect(seqs(model, 0, 5)).toEqual([10]));

  model.append([aRecord(11), aRecord(12, { level: 'warning' }), aRecord(13)]);

  expect(seqs(model, 0, 5)).toEqual([10, 12]);
  expect(model.upTo).toBe(13);
});

test('duplicate records are shown once', async () => {
  const { model } = opened(someRecords(1, 10), aRun({ lastSeq: 10 }));
  model.load(0, 10);
  await vi.waitFor(() => expect(seqs(model, 9, 1)).toEqual([10]));

  model.append(someRecords(6, 12));
  model.append(someRecords(11, 12));

  expect(seqs(model, 8, 10)).toEqual([9, 10, 11, 12]);
});

test('a group folds up to its end, even if that is pages away, and unfolds', async () => {
  const run = aRun({ lastSeq: 5000 });
  const group = (open: boolean) => ({ event: 'group', data: { name: 'setup', open } }) as const;
  const { model } = opened(
    someRecords(1, 5000, (seq) => (seq === 5 ? group(true) : seq === 3500 ? group(false) : {})),
    run,
  );
  model.load(0, 50);
  await vi.waitFor(() => expect(seqs(model, 0, 1)).toEqual([1]));

  await model.toggleGroup(5, run);
  expect(model.isFolded(5)).toBe(true);
  expect(model.length).toBe(5000 - 3494);

  await model.toggleGroup(5, run);
  expect(model.length).toBeGreaterThan(4990);
});

test('a response that arrives after the log was reopened is ignored', async () => {
  const { model } = opened();
  model.load(0, 10);

  model.open(aRun({ lastSeq: 10 }), NONE);
  await Promise.resolve();

  expect(seqs(model, 0, 1)).toEqual([undefined]);
});

test('a failed page is requested again after a while', async () => {
  vi.useFakeTimers();
  const answers = [() => Promise.reject(new Error('notFound')), aLogService(someRecords(1, 10)).read];
  const model = new LogModel((query, signal) => answers.shift()!(query, signal));
  model.open(aRun({ lastSeq: 10 }), NONE);
  const changed = vi.fn((change: () => void) => change());
  model.onChange = changed;

  model.load(0, 10);
  await vi.advanceTimersByTimeAsync(2000);
  expect(changed).toHaveBeenCalledOnce();
  model.load(0, 10);
  await vi.advanceTimersByTimeAsync(1);

  expect(seqs(model, 0, 1)).toEqual([1]);
  vi.useRealTimers();
});

const nested = (depth: readonly (boolean | null)[]): ReturnType<typeof someRecords> =>
  someRecords(1, depth.length, (seq) => {
    const open = depth[seq - 1]!;
    return open === null ? {} : { event: 'group', data: { name: `group ${seq}`, open } };
  });

// Outer group from 1 to 9, inner ones from 3 to 5 and from 7 on without lines, and a line after all.
const NESTED = nested([true, null, true, null, false, null, true, false, false, null]);

test.each([
  [1, [1, 10]],
  [3, [1, 2, 3, 6, 7, 10]],
  [7, [1, 2, 3, 4, 6, 7, 10]],
])('folding the group at %d leaves %j', async (seq, left) => {
  const run = aRun({ lastSeq: 10 });
  const { model } = opened(NESTED, run);
  model.load(0, 20);
  await vi.waitFor(() => expect(seqs(model, 0, 1)).toEqual([1]));

  await model.toggleGroup(seq, run);

  expect(seqs(model, 0, 20)).toEqual(left);
});

test('a record in a folded group is revealed', async () => {
  const run = aRun({ lastSeq: 10 });
  const { model } = opened(NESTED, run);
  model.load(0, 20);
  await vi.waitFor(() => expect(seqs(model, 0, 1)).toEqual([1]));
  await model.toggleGroup(3, run);
  await model.toggleGroup(1, run);
  expect(model.isShown(4)).toBe(false);

  model.reveal(4);

  expect(model.isShown(4)).toBe(true);
  expect(seqs(model, 0, 20)).toEqual([1, 2, 3, 4, 6, 7, 10]);
});

test('a filter that nothing passes leaves an empty log, until something does', async () => {
  const { model } = opened(someRecords(1, 10), aRun({ lastSeq: 10 }), {
    step: null,
    level: 'error',
    stream: null,
    text: null,
  });
  expect(model.isEmpty).toBe(false);

  model.load(0, 20);
  await vi.waitFor(() => expect(model.isEmpty).toBe(true));
  model.append([aRecord(11, { level: 'error' })]);

  expect(model.isEmpty).toBe(false);
});

test('a filter by text shows the lines that contain it, also in colours and across records of the stream', async () => {
  const records = someRecords(1, 3000, (seq) => ({ message: seq % 1000 === 7 ? 'found it' : 'other' }));
  const { model, requests } = opened(records, aRun({ lastSeq: 3000 }), {
    ...NONE,
    text: new TextFinder('found'),
  });

  model.load(0, 20);
  await vi.waitFor(() => expect(seqs(model, 0, 5)).toEqual([7, 1007, 2007]));
  model.append([
    aRecord(3001, { message: 'FO', partial: true }),
    aRecord(3002, { message: '\x1b[31mund\x1b[0m' }),
    aRecord(3003),
  ]);

  expect(seqs(model, 0, 5)).toEqual([7, 1007, 2007, 3002]);
  expect(requests).toEqual([{ after: 0, before: 3001, limit: 1000, scan: 50_000, q: 'found' }]);
});

test('all groups are folded, and unfolded again', async () => {
  const group = (open: boolean) => ({ event: 'group' as const, data: { name: 'x', open } });
  const { model } = opened(
    someRecords(1, 30, (seq) =>
      seq === 3 || seq === 5 || seq === 20
        ? group(true)
        : seq === 7 || seq === 9
          ? group(false)
          : seq === 25
            ? { event: 'step' }
            : {},
    ),
    aRun({ lastSeq: 30 }),
  );
  model.load(0, 10);
  await vi.waitFor(() => expect(seqs(model, 0, 1)).toEqual([1]));

  await model.toggleAllGroups();
  expect(seqs(model, 0, 30)).toEqual([
    1,
    2,
    3,
    ...[10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    25,
    26,
    27,
    28,
    29,
    30,
  ]);
  await model.toggleAllGroups();

  expect(model.length).toBe(28);
});

test('once a search has counted the matches, the log has that many rows', async () => {
  const records = someRecords(1, 120_000, (seq) => ({ message: seq <= 1000 || seq > 119_000 ? 'found' : 'other' }));
  const { model } = opened(records, aRun({ lastSeq: 120_000 }), { ...NONE, text: new TextFinder('found') });
  model.onChange = (change) => {
    change();
    model.load(0, 10);
  };
  model.load(0, 10);
  await model.shown;
  expect(model.loadedSeqs()).toBeNull();

  model.setTotal(2000);

  expect(model.length).toBe(2000);
});

test('a log whose matches are all in view knows their seqs', async () => {
  const records = someRecords(1, 60_000, (seq) => ({ message: seq % 20_000 ? 'other' : 'found' }));
  const { model } = opened(records, aRun({ lastSeq: 60_000 }), { ...NONE, text: new TextFinder('found') });
  model.onChange = (change) => {
    change();
    model.load(0, 10);
  };

  model.load(0, 10);
  await model.shown;

  expect(model.loadedSeqs()).toEqual([20_000, 40_000, 60_000]);
});
