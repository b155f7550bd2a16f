import { expect, test, vi } from 'vitest';
import { TextFinder } from './finding';
import { NO_FILTERS, aRecord, aRun, aRunStep, openedLog, seqsOf, someRecords } from './testing';

test('a step filter shows only the records of that step', async () => {
  const records = someRecords(1, 300, (seq) => ({ step: seq > 100 && seq <= 200 ? 'translate' : 'other' }));
  const step = aRunStep({ status: 'completed', startedAt: 0, finishedAt: 1, exitCode: 0, firstSeq: 101, lastSeq: 200 });

  const { model } = openedLog(records, aRun({ lastSeq: 300, steps: [step] }), {
    step: 'translate',
    level: null,
    stream: null,
    text: null,
  });
  model.load(0, 20);

  await vi.waitFor(() => expect(seqsOf(model, 0, 2)).toEqual([101, 102]));
  expect(model.length).toBe(100);
});

test('a level filter drops lower records from the stream', async () => {
  const counts = { debug: 0, info: 9, warning: 0, error: 1 };
  const { model } = openedLog(
    [...someRecords(1, 9), aRecord(10, { level: 'error' })],
    aRun({ lastSeq: 10, levelCounts: counts }),
    { step: null, level: 'warning', stream: null, text: null },
  );
  model.load(0, 20);
  await vi.waitFor(() => expect(seqsOf(model, 0, 5)).toEqual([10]));

  model.append([aRecord(11), aRecord(12, { level: 'warning' }), aRecord(13)]);

  expect(seqsOf(model, 0, 5)).toEqual([10, 12]);
  expect(model.upTo).toBe(13);
});

test('a filter that nothing passes leaves an empty log, until something does', async () => {
  const { model } = openedLog(someRecords(1, 10), aRun({ lastSeq: 10 }), {
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
  const { model, requests } = openedLog(records, aRun({ lastSeq: 3000 }), {
    ...NO_FILTERS,
    text: new TextFinder('found'),
  });

  model.load(0, 20);
  await vi.waitFor(() => expect(seqsOf(model, 0, 5)).toEqual([7, 1007, 2007]));
  model.append([
    aRecord(3001, { message: 'FO', partial: true }),
    aRecord(3002, { message: '\x1b[31mund\x1b[0m' }),
    aRecord(3003),
  ]);

  expect(seqsOf(model, 0, 5)).toEqual([7, 1007, 2007, 3002]);
  expect(requests).toEqual([{ after: 0, before: 3001, limit: 1000, scan: 50_000, q: 'found' }]);
});

test('once a search has counted the matches, the log has that many rows', async () => {
  const records = someRecords(1, 120_000, (seq) => ({ message: seq <= 1000 || seq > 119_000 ? 'found' : 'other' }));
  const { model } = openedLog(records, aRun({ lastSeq: 120_000 }), { ...NO_FILTERS, text: new TextFinder('found') });
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
  const { model } = openedLog(records, aRun({ lastSeq: 60_000 }), { ...NO_FILTERS, text: new TextFinder('found') });
  model.onChange = (change) => {
    change();
    model.load(0, 10);
  };

  model.load(0, 10);
  await model.shown;

  expect(model.loadedSeqs()).toEqual([20_000, 40_000, 60_000]);
});
