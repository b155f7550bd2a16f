import { expect, test } from 'vitest';
import { lastOverwrite, parseAnsi, stripEscapes } from './ansi';

const plain = (line: string): string =>
  parseAnsi(line)
    .map((piece) => piece.text)
    .join('');

test('plain text is one unstyled piece', () => {
  expect(parseAnsi('hello')).toEqual([{ text: 'hello', style: '', color: '', background: '' }]);
});

test('colours and attributes accumulate until they are reset', () => {
  const styles = parseAnsi('\x1b[1;31ma\x1b[22mb\x1b[0mc').map((piece) => piece.style);

  expect(styles).toEqual(['bold f1', 'f1', '']);
});

test.each([
  ['\x1b[92mx', 'f10'],
  ['\x1b[44mx', 'b4'],
  ['\x1b[38;5;3mx', 'f3'],
  ['\x1b[107mx', 'b15'],
  ['\x1b[31;39mx', ''],
])('%j gets the classes %j', (line, style) => {
  expect(parseAnsi(line)[0]?.style).toBe(style);
});

test.each([
  ['\x1b[38;2;1;2;300mx', 'rgb(1,2,255)'],
  ['\x1b[38;5;196mx', 'rgb(255,0,0)'],
  ['\x1b[38;5;232mx', 'rgb(8,8,8)'],
])('%j gets the colour %s', (line, color) => {
  expect(parseAnsi(line)[0]?.color).toBe(color);
});

test.each([
  ['\x1b]0;title\x07text', 'text'],
  ['\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\', 'click'],
  ['\x1b[2J\x1b[10;10Htext', 'text'],
  ['a\x00b\x07c', 'abc'],
  ['\x1b(Btext', 'text'],
  ['tab\there', 'tab\there'],
  ['cut \x1b[3', 'cut 3'],
])('%j is reduced to its text', (line, text) => {
  expect(plain(line)).toBe(text);
  expect(stripEscapes(line)).toBe(text);
});

test.each([
  ['10%\r20%\r30%', '30%'],
  ['10%\r20%\r', '20%'],
  ['no return', 'no return'],
  ['\r', ''],
])('%j is shown as %j', (line, shown) => {
  expect(lastOverwrite(line)).toBe(shown);
});
