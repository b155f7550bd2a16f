import { expect, test } from 'vitest';
import { decodeText, looksLikeText, readText } from './text';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const utf16 = (text: string, isLittle: boolean): number[] =>
  [...text].flatMap((char) => {
    const code = char.charCodeAt(0);
    return isLittle ? [code & 255, code >> 8] : [code >> 8, code & 255];
  });

test.each([
  ['UTF-8', utf8('grün 報告'), 'grün 報告'],
  ['UTF-8 with a mark', bytes(0xef, 0xbb, 0xbf, 0x61), 'a'],
  ['Latin-1', bytes(0x67, 0x72, 0xfc, 0x6e), 'grün'],
  ['UTF-16 LE with a mark', bytes(0xff, 0xfe, ...utf16('grün', true)), 'grün'],
  ['UTF-16 BE with a mark', bytes(0xfe, 0xff, ...utf16('grün', false)), 'grün'],
  ['UTF-16 LE', bytes(...utf16('name,value\n', true)), 'name,value\n'],
  ['UTF-16 BE', bytes(...utf16('name,value\n', false)), 'name,value\n'],
  ['nothing', bytes(), ''],
])('%s is decoded', (_, encoded, text) => {
  expect(decodeText(encoded)).toBe(text);
});

test.each([
  [utf8('all:\n\tcc -o x x.c\n'), true],
  [utf8('\u001b[32mgreen\u001b[0m\r\n'), true],
  [bytes(0x67, 0x72, 0xfc, 0x6e), true],
  [bytes(...utf16('name,value\n', true)), true],
  [bytes(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0), false],
  [bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), false],
  [Uint8Array.from({ length: 256 }, (_, i) => i), false],
])('%o looks like text: %s', (encoded, expected) => {
  expect(looksLikeText(encoded)).toBe(expected);
});

test('a file of an unknown type is read only if it is text', async () => {
  expect(await readText(new Response('all: test'), false)).toBe('all: test');
  expect(await readText(new Response(bytes(0, 1, 2, 3) as BodyInit), false)).toBeNull();
  expect(await readText(new Response(bytes(0, 0, 1) as BodyInit), true)).toBe('\u0000\u0000\u0001');
  expect(await readText(new Response(new Uint8Array(1 << 20) as BodyInit), false)).toBeNull();
});
