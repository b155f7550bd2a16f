/** Finds text in a line as the service does: ignoring case and how accents are composed. */
import type { Range } from './links';

const MAX_FOUND = 200;
// eslint-disable-next-line no-control-regex
const IS_ASCII = /^[\x00-\x7f]*$/;
/** A letter with its accents, which may be characters of their own. */
const LETTER = /\P{M}\p{M}*|\p{M}+/gu;

/** The text for comparisons. Unlike lower case, it has one form of `ß` and `ss`, and of `σ` and `ς`. */
export const fold = (text: string): string =>
  IS_ASCII.test(text) ? text.toLowerCase() : Array.from(text, foldChar).join('').normalize('NFC');

/** In upper case, the Turkish `ı` would be the same letter as `i`. */
const foldChar = (char: string): string => (char === 'ı' ? char : char.toUpperCase().toLowerCase());

/** `needle` is folded. */
export function findText(text: string, needle: string): Range[] {
  const [folded, letters] = IS_ASCII.test(text) ? [fold(text), null] : foldLetters(text);
  const found: Range[] = [];
  for (
    let at = folded.indexOf(needle);
    at >= 0 && found.length < MAX_FOUND;
    at = folded.indexOf(needle, at + needle.length)
  ) {
    const end = at + needle.length;
    found.push(letters ? [letters[at]![0], letters[end - 1]![1]] : [at, end]);
  }
  return found;
}

/** The folded text, and for each of its characters the place of the letter that it comes from. */
function foldLetters(text: string): [folded: string, letters: Range[]] {
  const parts: string[] = [];
  const letters: Range[] = [];
  for (const { 0: letter, index } of text.matchAll(LETTER)) {
    const part = fold(letter);
    parts.push(part);
    for (let i = 0; i < part.length; i++) letters.push([index, index + letter.length]);
  }
  return [parts.join(''), letters];
}
