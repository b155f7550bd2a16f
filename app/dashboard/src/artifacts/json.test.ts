import { expect, test } from 'vitest';
import { formatJson } from './json';

test.each([
  ['[9007199254740993,1.10,1e400,-0]', '[\n  9007199254740993,\n  1.10,\n  1e400,\n  -0\n]'],
  ['{"a":1,"a":2}', '{\n  "a": 1,\n  "a": 2\n}'],
  ['{"a" : {}, "b":[ ]}', '{\n  "a": {},\n  "b": []\n}'],
  ['[[],[{}]]', '[\n  [],\n  [\n    {}\n  ]\n]'],
  [String.raw`{"a\"{,":"\u0041[:\\"}`, String.raw`{` + '\n' + String.raw`  "a\"{,": "\u0041[:\\"` + '\n}'],
  ['\ufeff"text"', '"text"'],
  ['true', 'true'],
])('%s keeps its tokens', (text, formatted) => {
  expect(formatJson(text)).toBe(formatted);
});

test.each(['{"a":1', "{'a':1}", '{"a":NaN}', 'plain text', ''])('%j is no JSON and stays as it is', (text) => {
  expect(formatJson(text)).toBe(text);
});

test('deep nesting stays small', () => {
  const depth = 5_000;

  expect(formatJson('['.repeat(depth) + ']'.repeat(depth)).length).toBeLessThan(depth * 2 * 202);
});
