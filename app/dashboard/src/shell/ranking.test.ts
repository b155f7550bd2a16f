import { expect, test } from 'vitest';
import { rank } from './ranking';

const order = (texts: readonly string[], typed: string): string[] =>
  texts
    .map((text) => [text, rank(text, '', typed.split(' '))] as const)
    .filter((entry): entry is readonly [string, number] => entry[1] !== null)
    .sort((a, b) => b[1] - a[1])
    .map(([text]) => text);

test('the start of the text ranks before the start of a word, inside a word, and letters in order', () => {
  expect(order(['n-o-v-e-l', 'renovel', 'start novel', 'novel-zh-en'], 'novel')).toEqual([
    'novel-zh-en',
    'start novel',
    'renovel',
    'n-o-v-e-l',
  ]);
});

test.each([
  ['nvl', ['novel-zh-en']],
  ['zh novel', ['novel-zh-en']],
  ['levon', []],
])('%j finds %j', (typed, found) => {
  expect(order(['novel-zh-en', 'wikipedia'], typed)).toEqual(found);
});

test.each([
  ['wikipedia failed', 150],
  ['wikipedia error', 145],
  ['dump', 50],
  ['du', 50],
  ['ail', 45],
  ['ai', null],
  ['wfd', null],
])('%j ranks the name above the other words: %j', (typed, expected) => {
  expect(rank('wikipedia', 'a dump of 2026 failed keyerror: text', typed.split(' '))).toBe(expected);
});
