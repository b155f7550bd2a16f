import { expect, test, vi } from 'vitest';
import { TextFinder } from './finding';
import { LogModel } from './log_model';
import { aLogService, aRun, aRunStep, someRecords } from './testing';

/** A log of 30 lines that shows only its matches: the lines `hits`. */
async function filtered(hits: readonly number[], step: string | null = null) {
  const records = someRecords(1, 30, (seq) => ({
    message: hits.includes(seq) ? 'hit' : 'miss',
    step: seq % 2 ? 'odd' : 'translate',
  }));
  const model = new LogModel(aLogService(records).read);
  model.open(aRun({ lastSeq: 30, steps: [aRunStep({ name: 'odd', firstSeq: 1, lastSeq: 30 })] }), {
    step,
    level: null,
    stream: null,
    text: new TextFinder('hit'),
  });
  model.load(0, 30);
  await vi.waitFor(() => expect(model.length).toBe(hits.length));
  return model;
}

const shown = (model: LogModel): string =>
  model
    .rows(0, model.length)
    .map((row) => `${row!.isContext ? '~' : ''}${row!.seq}`)
    .join(' ');

test('a match shows two lines before and after it, and hides them again', async () => {
  const model = await filtered([10, 20]);

  await model.toggleContext(10);
  expect(shown(model)).toBe('~8 ~9 10 ~11 ~12 20');
  await model.toggleContext(10);

  expect(shown(model)).toBe('10 20');
});

test('a line of context hides the context it belongs to', async () => {
  const model = await filtered([10, 20]);
  await model.toggleContext(10);
  await model.toggleContext(20);

  await model.toggleContext(9);

  expect(shown(model)).toBe('10 ~18 ~19 20 ~21 ~22');
});

test('matches near each other share their context, and stay matches', async () => {
  const model = await filtered([10, 11, 14]);
  await model.toggleContext(10);
  await model.toggleContext(14);
  expect(shown(model)).toBe('~8 ~9 10 11 ~12 ~13 14 ~15 ~16');

  await model.toggleContext(10);

  expect(shown(model)).toBe('10 11 ~12 ~13 14 ~15 ~16');
});

test('the first and the last line have context on one side', async () => {
  const model = await filtered([1, 30]);

  await model.toggleContext(1);
  await model.toggleContext(30);

  expect(shown(model)).toBe('1 ~2 ~3 ~28 ~29 30');
});

test('context passes the other filters', async () => {
  const model = await filtered([11], 'odd');

  await model.toggleContext(11);

  expect(shown(model)).toBe('~7 ~9 11 ~13 ~15');
});

test('lines that the stream adds stay below the context', async () => {
  const model = await filtered([29]);
  await model.toggleContext(29);

  model.append(someRecords(31, 32, (seq) => ({ message: seq === 32 ? 'hit' : 'miss' })));

  expect(shown(model)).toBe('~27 ~28 29 ~30 32');
});
