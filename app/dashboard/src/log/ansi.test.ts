import { expect, test } from 'vitest';
import { parseAnsi, stripEscapes } from './ansi';

const plain = (line: string): string =>
  parseAnsi(line)
    .map((piece) => piece.text)
    .join('');

test('plain text is one unstyled piece', () => {
  expect(parseAnsi('hello')).toEqual([{ text: 'hello', style: '', color: '', background: '', link: '' }]);
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
  ['\x1b[48;2;1;2;300mx', 'rgb(1,2,255)'],
  ['\x1b[48;5;196mx', 'rgb(255,0,0)'],
  ['\x1b[48;5;232mx', 'rgb(8,8,8)'],
  ['\x1b[48:2::1:2:3mx', 'rgb(1,2,3)'],
  ['\x1b[48:2:1:2:3mx', 'rgb(1,2,3)'],
  ['\x1b[48:5:196mx', 'rgb(255,0,0)'],
  ['\x1b[7;38;5;196mx', 'rgb(255,0,0)'],
])('%j gets the background %s', (line, background) => {
  expect(parseAnsi(line)[0]?.background).toBe(background);
});

test.each([
  ['\x1b[38;5;88mx', 'light-dark(rgb(135,0,0), '],
  ['\x1b[38;2;1;2;3mx', 'light-dark(rgb(1,2,3), '],
  ['\x1b[31;48;5;231mx', 'rgb(0,0,0)'],
  ['\x1b[48;5;16mx', 'rgb(255,255,255)'],
])('%j gets a readable colour', (line, color) => {
  expect(parseAnsi(line)[0]?.color).toContain(color);
});

test.each(['\x1b[58;5;31mx', '\x1b[58:2::31:31:31mx', '\x1b[>4;2mx', '\x1b[?1mx', '\x1b[1 mx', '\x1b[31$mx'])(
  '%j has no effect on the look',
  (line) => {
    expect(parseAnsi(line)[0]).toMatchObject({ style: '', color: '', background: '' });
  },
);

test.each([
  ['\x1b[4:3mx', 'underline'],
  ['\x1b[4m\x1b[4:0mx', ''],
])('%j is underlined: %j', (line, style) => {
  expect(parseAnsi(line)[0]?.style).toBe(style);
});

test.each([
  ['\x1b]8;;https://a.example/x\x1b\\click\x1b]8;;\x1b\\ here', ['https://a.example/x', '']],
  ['\x1b]8;id=1;http://a.example\x07a\x1b[1mb\x1b]8;;\x07c', ['http://a.example', 'http://a.example', '']],
  ['\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07', ['']],
  ['\x1b]8;;file:///etc/passwd\x07click\x1b]8;;\x07', ['']],
])('%j has the links %j', (line, links) => {
  expect(parseAnsi(line).map((piece) => piece.link)).toEqual(links);
});

test.each([
  ['\x1b]0;title\x07text', 'text'],
  ['\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\', 'click'],
  ['\x1b[2J\x1b[10;10Htext', 'text'],
  ['a\x00b\x07c', 'abc'],
  ['\x1b(Btext', 'text'],
  ['tab\there', 'tab\there'],
  ['cut \x1b[3', 'cut '],
  ['\x1b[?25hshown', 'shown'],
  ['\x1b[?2026h\x1b[?2026lshown', 'shown'],
  ['\x1b[>4;2mshown', 'shown'],
  ['\x1b[=1;2cshown', 'shown'],
  ['\x1b[0 qshown', 'shown'],
  ['\x1b[!pshown', 'shown'],
  ['\x9b?25hshown', 'shown'],
  ['\x9d0;title\x9cshown', 'shown'],
  ['\x1b]0;broken\x1b[31mshown', 'shown'],
  ['\x1bP1$r0m\x1b\\shown', 'shown'],
  ['\x1b[1\tshown', '\tshown'],
])('%j is reduced to its text', (line, text) => {
  expect(plain(line)).toBe(text);
  expect(stripEscapes(line)).toBe(text);
});
