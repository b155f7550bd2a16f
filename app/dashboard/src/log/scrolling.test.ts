import { expect, test } from 'vitest';
import { anchorAt, clampAnchor, isScaled, moveAnchor, scrollTopOf, shareAt, shareOf, spacerHeight } from './scrolling';

test('the spacer never exceeds what browsers can lay out', () => {
  expect(spacerHeight(100, 20)).toBe(2000);
  expect(spacerHeight(10_000_000, 20)).toBe(8_000_000);
  expect(isScaled(400_000)).toBe(false);
  expect(isScaled(1_000_000)).toBe(true);
});

test.each([
  [0, 0, 0],
  [8_000_000 - 400, 999_980, 0],
  [(8_000_000 - 400) / 2, 499_990, 0],
])('scrollTop %d shows row %d first in a log of a million rows', (scrollTop, row, y) => {
  const share = shareOf(scrollTop, spacerHeight(1_000_000, 20), 400);

  expect(clampAnchor(anchorAt(share, 1_000_000, 400), 1_000_000, 400)).toEqual({ row, y: expect.closeTo(y, 3) });
});

test.each([0, 0.25, 0.5, 0.999, 1])('a share of %d survives the round trip', (share) => {
  const anchor = clampAnchor(anchorAt(share, 5000, 400), 5000, 400);
  const tops = Array.from({ length: 22 }, (_, i) => anchor.y + i * 20);

  const back = shareAt(anchor.row, tops, 5000, 400);

  expect(back).toBeCloseTo(share, 6);
  expect(scrollTopOf(back, 100_000, 400)).toBeCloseTo(share * 99_600, 1);
});

test('rows of different heights match the scrollbar at both ends', () => {
  expect(shareAt(0, [0, 60, 80, 200], 3, 100)).toBe(0);
  expect(shareAt(0, [-100, -40, -20, 100], 3, 100)).toBe(1);
});

test('moving the anchor preserves the pixel offset', () => {
  expect(moveAnchor({ row: 10, y: -5 }, 50)).toEqual({ row: 12, y: -15 });
  expect(moveAnchor({ row: 10, y: -5 }, -50)).toEqual({ row: 7, y: -15 + 0 });
});

test('the anchor stays within the log', () => {
  expect(clampAnchor({ row: -5, y: 0 }, 100, 400)).toEqual({ row: 0, y: 0 });
  expect(clampAnchor({ row: 99, y: 0 }, 100, 400)).toEqual({ row: 80, y: 0 });
  expect(clampAnchor({ row: 0, y: -60 }, 3, 400)).toEqual({ row: 0, y: 0 });
});
