import { expect, test } from 'vitest';
import { parseAnsi, stripEscapes } from './ansi';
import { TerminalLine } from './terminal_line';
import { aRecord } from './testing';
import { rowText, toRows } from './rows';
import CASES from '../../../../tests/terminal_lines.json';

const write = (pieces: readonly string[]): string => {
  const line = new TerminalLine();
  for (const piece of pieces) line.write(piece);
  return line.text;
};

test.each(CASES)('$name: a line is what a terminal shows', ({ pieces, shown }) => {
  expect(stripEscapes(write(pieces))).toBe(shown);
  expect(stripEscapes(write([...pieces.join('')]))).toBe(shown);
});

test.each(CASES)('$name: a row is what a terminal shows', ({ pieces, shown }) => {
  const last = pieces.length - 1;
  const rows = toRows(pieces.map((message, i) => aRecord(i + 1, { message, partial: i < last })));

  expect(rows.map((row) => stripEscapes(rowText(row)))).toEqual([shown]);
});

test('colours and links belong to the text that was written with them', () => {
  const line = write(['\x1b[31mabc\x1b]8;;https://a.example\x07def\x1b]8;;\x07\x1b[m\r', 'x\x1b[1Cy']);

  expect(parseAnsi(line).map(({ text, style, link }) => [text, style, link])).toEqual([
    ['x', '', ''],
    ['b', 'f1', ''],
    ['y', '', ''],
    ['def', 'f1', 'https://a.example'],
  ]);
});

test('no sequence makes a line longer than the terminal is wide', () => {
  expect(write(['\x1b[999999999Cx\x1b[999999999Gy']).length).toBeLessThanOrEqual(121);
});
