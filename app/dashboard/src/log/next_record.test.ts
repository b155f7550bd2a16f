import { expect, test } from 'vitest';
import { TextFinder } from './finding';
import { LogModel } from './log_model';
import { NextRecord } from './next_record';
import { aLogService, aRun, someRecords } from './testing';

const NONE = { step: null, level: null, stream: null, text: null };
const ERRORS = [2, 400_000];

function opened(filters: LogModel['filters']) {
  const records = someRecords(1, 400_001, (seq) => ({
    message: 'needle',
    level: ERRORS.includes(seq) ? 'error' : 'info',
  }));
  const service = aLogService(records);
  const model = new LogModel(service.read);
  model.open(aRun({ lastSeq: 400_001 }), filters);
  return { next: new NextRecord(() => model), ...service };
}

test('among the lines with a text, the log is read in parts until there is an error', async () => {
  const { next, requests } = opened({ ...NONE, text: new TextFinder('needle') });

  expect((await next.find(2, 1, { level: 'error' }))?.seq).toBe(400_000);
  expect((await next.find(400_000, -1, { level: 'error' }))?.seq).toBe(2);

  expect(requests.map(({ after, before, scan }) => [after, before, scan])).toEqual([
    [2, undefined, 300_000],
    [300_002, undefined, 300_000],
    [undefined, 400_000, 300_000],
    [undefined, 100_000, 300_000],
  ]);
});

test('without a text, one request finds the next error', async () => {
  const { next, requests } = opened(NONE);

  expect((await next.find(2, 1, { level: 'error' }))?.seq).toBe(400_000);
  expect(await next.find(400_000, 1, { level: 'error' })).toBeUndefined();

  expect(requests.map(({ after, scan }) => [after, scan])).toEqual([
    [2, undefined],
    [400_000, undefined],
  ]);
});

test('another search for a record ends the one before', () => {
  const signals: AbortSignal[] = [];
  const model = new LogModel((_, signal) => {
    signals.push(signal);
    return new Promise(() => undefined);
  });
  model.open(aRun({ lastSeq: 10 }), NONE);
  const next = new NextRecord(() => model);

  void next.find(1, 1, { level: 'error' });
  void next.find(1, 1, { level: 'error' });

  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
});
