import { expect, test } from 'vitest';
import { type Rgb, contrast, readableOn, readableText } from './contrast';

const coloursIn = (css: string): Rgb[] =>
  [...css.matchAll(/rgb\((\d+),(\d+),(\d+)\)/g)].map(
    ([, red, green, blue]) => [Number(red), Number(green), Number(blue)] as const,
  );

test.each<Rgb>([
  [255, 135, 0],
  [255, 255, 0],
  [0, 0, 95],
  [8, 8, 8],
  [255, 255, 255],
])('text in rgb(%d,%d,%d) is readable on both backgrounds', (...colour) => {
  const [light, dark] = coloursIn(readableText(colour, false));

  expect(contrast(light!, [255, 255, 255])).toBeGreaterThanOrEqual(4.5);
  expect(contrast(light!, [228, 237, 249])).toBeGreaterThanOrEqual(4.5);
  expect(contrast(dark!, [10, 13, 18])).toBeGreaterThanOrEqual(4.5);
  expect(contrast(dark!, [20, 35, 59])).toBeGreaterThanOrEqual(4.5);
});

test('a readable colour stays as it is', () => {
  expect(readableText([150, 0, 0], false)).toMatch(/^light-dark\(rgb\(150,0,0\), /);
});

test.each<[Rgb, Rgb | null]>([
  [[255, 135, 0], null],
  [[0, 0, 95], null],
  [
    [255, 135, 0],
    [255, 255, 255],
  ],
  [
    [120, 120, 120],
    [120, 120, 120],
  ],
])('text on %j is readable', (background, colour) => {
  const [text] = coloursIn(readableOn(background, colour));

  expect(contrast(text!, background)).toBeGreaterThanOrEqual(4.5);
});

test('black on white has the highest contrast', () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21);
});
