import { beforeAll, expect, test } from 'vitest';
import { type SearchOptions, TextFinder, loadRegex, parseOptions } from './finding';

beforeAll(loadRegex);

const CASE = { matchCase: true };
const WORD = { wholeWord: true };
const REGEX = { regex: true };

/** The cases of the contract of stores, as far as a line can show them. */
test.each<[string, SearchOptions, string, string[]]>([
  ['connection', CASE, 'Connection connection', ['connection']],
  ['connection', WORD, 'connections: Connection, reconnection', ['Connection']],
  ['Connection', { ...CASE, ...WORD }, 'connection Connections Connection', ['Connection']],
  ['a-a', WORD, 'xa-a-a', ['a-a']],
  ['école', WORD, 'École_2 e\u0301cole', ['e\u0301cole']],
  ['\u00e9cole', CASE, 'École e\u0301cole', ['e\u0301cole']],
  ['connections?:? (reset|\\d+)', REGEX, 'Connection reset, connections: 12', ['Connection reset', 'connections: 12']],
  ['^RESET', REGEX, 'reset the reset', ['reset']],
  ['^RESET', { ...REGEX, ...CASE }, 'reset', []],
  ['connections?', { ...REGEX, ...WORD }, 'connection_s connections', ['connections']],
  ['\\pL+', REGEX, '12 日本 が', ['日本', 'が']],
  ['x*', REGEX, 'ab', []],
])('%j with %j in %j', (text, options, line, found) => {
  expect(new TextFinder(text, options).find(line).map((range) => line.slice(...range))).toEqual(found);
});

test.each<[string, SearchOptions, string, string, boolean]>([
  ['aa', {}, 'aa', 'a', true],
  ['the whole', WORD, 'The ', 'whole ', true],
  ['The', CASE, 'The ', 'whole', false],
  ['e .*e$', REGEX, 'The ', 'whole', true],
  ['^The', REGEX, 'The ', 'whole', false],
  ['x*', REGEX, '', 'whole', true],
])('%j with %j ends after %j in %j: %s', (text, options, before, after, ends) => {
  expect(new TextFinder(text, options).endsIn(before + after, before)).toBe(ends);
});

test('an invalid expression is refused', () => {
  for (const text of ['(', 'a)(b', '(?=a)', '(a)\\1']) expect(() => new TextFinder(text, REGEX)).toThrow();
});

test.each(['(a+)+$', '(a|aa)+b', '(?:(?:a?){30}){30}b', '([a-z]+)*[0-9]', '(.*a){20}b'])(
  'the expression %s meets a hostile line in linear time',
  (text) => {
    const finder = new TextFinder(text, REGEX);
    for (const length of [100, 1_000, 16_000]) finder.endsIn(`${'a'.repeat(length)}!`, '');
  },
);

test('a request and an address have the options that are set', () => {
  const query = new TextFinder('a b', { ...REGEX, ...CASE }).query;
  expect(query).toEqual({ q: 'a b', match_case: '1', regex: '1' });
  expect(parseOptions(new URLSearchParams(query))).toEqual({ matchCase: true, wholeWord: false, regex: true });
});
