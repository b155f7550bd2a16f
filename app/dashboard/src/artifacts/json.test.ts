import { expect, test } from 'vitest';
import { type JsonNode, parseJson } from './json';

/** The tree as JSON without white space. */
function print({ key, text, children }: JsonNode): string {
  const value = children ? text + children.map(print).join(',') + (text === '{' ? '}' : ']') : text;
  return key === null ? value : `${key}:${value}`;
}

test.each([
  '[9007199254740993,1.10,1e400,-0]',
  '{"a":1,"a":2}',
  '{"a":{},"b":[],"c":null}',
  '[[],[{}],[[1]],2]',
  String.raw`{"a\"{,":"\u0041[:\\"}`,
  'true',
])('%s keeps its tokens', (text) => {
  expect(print(parseJson(text)!)).toBe(text);
  expect(print(parseJson(`\ufeff${text}\n`)!)).toBe(text);
});

test.each(['{"a":1', "{'a':1}", '{"a":NaN}', 'plain text', ''])('%j is no JSON', (text) => {
  expect(parseJson(text)).toBeNull();
});

test('deep nesting is parsed', () => {
  const depth = 5_000;
  let node = parseJson('['.repeat(depth) + ']'.repeat(depth));

  for (let level = 1; level < depth; level++) node = node!.children![0]!;

  expect(node!.children).toEqual([]);
});
