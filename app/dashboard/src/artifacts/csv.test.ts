import { expect, test } from 'vitest';
import { parseCsv } from './csv';

test.each([
  [
    'a,b\n1,2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    '"a, b","say ""x"""\r\n"two\nlines",',
    [
      ['a, b', 'say "x"'],
      ['two\nlines', ''],
    ],
  ],
  ['\ufeffa,b', [['a', 'b']]],
  ['', []],
  ['a\n\nb', [['a'], ['b']]],
])('%j is parsed as %j', (text, rows) => {
  expect(parseCsv(text)).toEqual(rows);
});

test('cells can be separated by tabs', () => {
  expect(parseCsv('a\tb,c', '\t')).toEqual([['a', 'b,c']]);
});
