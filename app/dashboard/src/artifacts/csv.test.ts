import { expect, test } from 'vitest';
import { parseCsv, parseTable } from './csv';

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

test.each([
  ['word;price\na;1,5\nb;2,25\n', 'x.csv', ['a', '1,5']],
  ['word\tprice\na\t1,5\n', 'x.csv', ['a', '1,5']],
  ['word|price\na|1\n', 'x.csv', ['a', '1']],
  ['word,note\na,"x;y;z"\nb,p;q\n', 'x.csv', ['a', 'x;y;z']],
  ['sep=;\r\nword;price\r\na;1,5\r\n', 'x.csv', ['a', '1,5']],
  ['a,b\tc\n1,5\t2\n', 'x.tsv', ['1,5', '2']],
  ['one column\nx\n', 'x.csv', ['x']],
  ['', 'x.csv', undefined],
])('the separator of %j in %s is found', (text, name, row) => {
  expect(parseTable(text, name)[1]).toEqual(row);
});
