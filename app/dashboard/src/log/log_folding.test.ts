import { expect, test, vi } from 'vitest';
import { aRun, openedLog, seqsOf, someRecords } from './testing';

test('a group folds up to its end, even if that is pages away, and unfolds', async () => {
  const run = aRun({ lastSeq: 5000 });
  const group = (open: boolean) => ({ event: 'group', data: { name: 'setup', open } }) as const;
  const { model } = openedLog(
    someRecords(1, 5000, (seq) => (seq === 5 ? group(true) : seq === 3500 ? group(false) : {})),
    run,
  );
  model.load(0, 50);
  await vi.waitFor(() => expect(seqsOf(model, 0, 1)).toEqual([1]));

  await model.toggleGroup(5, run);
  expect(model.isFolded(5)).toBe(true);
  expect(model.length).toBe(5000 - 3494);

  await model.toggleGroup(5, run);
  expect(model.length).toBeGreaterThan(4990);
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
  const { model } = openedLog(NESTED, run);
  model.load(0, 20);
  await vi.waitFor(() => expect(seqsOf(model, 0, 1)).toEqual([1]));

  await model.toggleGroup(seq, run);

  expect(seqsOf(model, 0, 20)).toEqual(left);
});

test('a record in a folded group is revealed', async () => {
  const run = aRun({ lastSeq: 10 });
  const { model } = openedLog(NESTED, run);
  model.load(0, 20);
  await vi.waitFor(() => expect(seqsOf(model, 0, 1)).toEqual([1]));
  await model.toggleGroup(3, run);
  await model.toggleGroup(1, run);
  expect(model.isShown(4)).toBe(false);

  model.reveal(4);

  expect(model.isShown(4)).toBe(true);
  expect(seqsOf(model, 0, 20)).toEqual([1, 2, 3, 4, 6, 7, 10]);
});

test('all groups are folded, and unfolded again', async () => {
  const group = (open: boolean) => ({ event: 'group' as const, data: { name: 'x', open } });
  const { model } = openedLog(
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
  await vi.waitFor(() => expect(seqsOf(model, 0, 1)).toEqual([1]));

  await model.toggleAllGroups();
  expect(seqsOf(model, 0, 30)).toEqual([
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
