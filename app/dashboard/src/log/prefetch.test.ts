import { expect, test, vi } from 'vitest';
import { LogModel } from './log_model';
import { aLogService, aRun, someRecords } from './testing';

const NONE = { step: null, level: null, stream: null, text: null };

test('a prefetched tail is shown without another request', async () => {
  const service = aLogService(someRecords(1, 5010));
  const model = new LogModel(service.read);
  const run = aRun({ lastSeq: 5000 });

  model.open(
    run,
    NONE,
    Promise.resolve({
      records: someRecords(4900, 5010),
      totalMatches: 5010,
      moreBefore: true,
      moreAfter: false,
      next: 4900,
      context: [],
    }),
  );
  model.load(4960, 5000);

  await vi.waitFor(() => expect(model.rows(5008, 3).map((row) => row?.seq)).toEqual([5009, 5010]));
  expect(service.requests).toEqual([]);
  model.load(0, 10);
  expect(service.requests.length).toBe(1);
});

test('a failed prefetch falls back to the usual request', async () => {
  const { read, requests } = aLogService(someRecords(1, 10));
  const model = new LogModel(read);

  model.open(aRun({ lastSeq: 10 }), NONE, Promise.reject(new Error('notFound')));
  await vi.waitFor(() => {
    model.load(0, 10);
    expect(model.rows(0, 1).map((row) => row?.seq)).toEqual([1]);
  });

  expect(requests.length).toBe(1);
});
