import { expect, test, vi } from 'vitest';
import { LogModel } from './log_model';
import { NO_FILTERS, aLogService, aRun, openedLog, seqsOf, someRecords } from './testing';

test('opening a log loads nothing; showing rows does', async () => {
  const { model, requests } = openedLog();
  expect(requests).toEqual([]);

  model.load(4980, 5000);

  await vi.waitFor(() => expect(seqsOf(model, 4998, 2)).toEqual([4999, 5000]));
  expect(requests).toEqual([{ after: 4000, before: 5001, limit: 1000 }]);
});

test('a page in flight is not requested again', async () => {
  const { model, requests } = openedLog();

  model.load(0, 10);
  model.load(5, 15);

  await vi.waitFor(() => expect(seqsOf(model, 0, 1)).toEqual([1]));
  expect(requests.length).toBe(1);
});

test('a page that ends before its limit is followed by the page after it', async () => {
  const service = aLogService(someRecords(1, 100), 40);
  const model = new LogModel(service.read);
  model.open(aRun({ lastSeq: 100 }), NO_FILTERS);

  for (const loaded of [40, 80, 100]) {
    model.load(0, 100);
    await vi.waitFor(() => expect(model.isLoaded(loaded)).toBe(true));
  }

  expect(seqsOf(model, 0, 101)).toEqual(someRecords(1, 100).map((record) => record.seq));
});

test('duplicate records are shown once', async () => {
  const { model } = openedLog(someRecords(1, 10), aRun({ lastSeq: 10 }));
  model.load(0, 10);
  await vi.waitFor(() => expect(seqsOf(model, 9, 1)).toEqual([10]));

  model.append(someRecords(6, 12));
  model.append(someRecords(11, 12));

  expect(seqsOf(model, 8, 10)).toEqual([9, 10, 11, 12]);
});

test('a response that arrives after the log was reopened is ignored', async () => {
  const { model } = openedLog();
  model.load(0, 10);

  model.open(aRun({ lastSeq: 10 }), NO_FILTERS);
  await Promise.resolve();

  expect(seqsOf(model, 0, 1)).toEqual([undefined]);
});

test('a failed page is requested again after a while', async () => {
  vi.useFakeTimers();
  const answers = [() => Promise.reject(new Error('notFound')), aLogService(someRecords(1, 10)).read];
  const model = new LogModel((query, signal) => answers.shift()!(query, signal));
  model.open(aRun({ lastSeq: 10 }), NO_FILTERS);
  const changed = vi.fn((change: () => void) => change());
  model.onChange = changed;

  model.load(0, 10);
  await vi.advanceTimersByTimeAsync(2000);
  expect(changed).toHaveBeenCalledOnce();
  model.load(0, 10);
  await vi.advanceTimersByTimeAsync(1);

  expect(seqsOf(model, 0, 1)).toEqual([1]);
  vi.useRealTimers();
});
