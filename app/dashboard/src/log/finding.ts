/** Finds text in a line as the service does, and says how a request and an address encode that. */
import type { RE2JS } from 're2js';
import type { Range } from './links';

export interface SearchOptions {
  readonly matchCase?: boolean;
  readonly wholeWord?: boolean;
  readonly regex?: boolean;
}

const MAX_FOUND = 200;
// eslint-disable-next-line no-control-regex
const IS_ASCII = /^[\x00-\x7f]*$/;
/** A letter with its accents, which may be characters of their own. */
const LETTER = /\P{M}\p{M}*|\p{M}+/gu;
const OF_WORD_BEFORE = /[\p{L}\p{N}_]$/u;
const OF_WORD_AFTER = /^[\p{L}\p{N}_]/u;

let re2: typeof RE2JS | null = null;

/** Call before searching with the option `regex`. JavaScript's own expressions can take forever for a line. */
export async function loadRegex(): Promise<void> {
  re2 ??= (await import('re2js')).RE2JS;
}

/** The text for comparisons. Unlike lower case, it has one form of `ß` and `ss`, and of `σ` and `ς`. */
export const fold = (text: string): string =>
  IS_ASCII.test(text) ? text.toLowerCase() : Array.from(text, foldChar).join('').normalize('NFC');

/** In upper case, the Turkish `ı` would be the same letter as `i`. */
const foldChar = (char: string): string => (char === 'ı' ? char : char.toUpperCase().toLowerCase());
const compose = (text: string): string => text.normalize('NFC');

/** The options that an address contains. */
export const parseOptions = (query: URLSearchParams): SearchOptions => ({
  matchCase: query.has('match_case'),
  wholeWord: query.has('whole_word'),
  regex: query.has('regex'),
});

/** Throws if a regular expression is invalid. */
export class TextFinder {
  /** As in a request and in an address. */
  readonly query: Readonly<Record<string, string>>;
  /** Names the text and its options. */
  readonly key: string;
  private readonly normal: (text: string) => string;
  private readonly needle: string;
  private readonly regex: RE2JS | null = null;

  constructor(
    readonly text: string,
    private readonly options: SearchOptions = {},
  ) {
    const { matchCase, wholeWord, regex } = options;
    this.query = {
      q: text,
      ...(matchCase && { match_case: '1' }),
      ...(wholeWord && { whole_word: '1' }),
      ...(regex && { regex: '1' }),
    };
    this.key = new URLSearchParams(this.query).toString();
    this.normal = matchCase || regex ? compose : fold;
    this.needle = this.normal(text);
    if (regex) this.regex = re2!.compile(this.needle, re2!.MULTILINE | (matchCase ? 0 : re2!.CASE_INSENSITIVE));
  }

  /** Where the text is in the line. */
  find(line: string): Range[] {
    const [shown, letters] = IS_ASCII.test(line) ? [this.normal(line), null] : this.splitLetters(line);
    const found: Range[] = [];
    for (const [from, to] of this.matches(shown, 0)) {
      if (from < to) found.push(letters ? [letters[from]![0], letters[to - 1]![1]] : [from, to]);
      if (found.length >= MAX_FOUND) break;
    }
    return found;
  }

  /** Whether the text is in the line, and ends in what follows the text `before`. */
  endsIn(line: string, before: string): boolean {
    const [shown, earlier] = [this.normal(line), this.normal(before)];
    const seen = shown.startsWith(earlier) ? earlier.length : 0;
    for (const [, to] of this.matches(shown, seen)) if (to > seen || seen === 0) return true;
    return false;
  }

  /** Those that end after `seen`, and perhaps others before. */
  private *matches(shown: string, seen: number): Generator<Range> {
    const { needle, regex } = this;
    const passes = (from: number, to: number): boolean => !this.options.wholeWord || isWhole(shown, from, to);
    if (regex) {
      for (const matcher = regex.matcher(shown); matcher.find();)
        if (passes(matcher.start(), matcher.end())) yield [matcher.start(), matcher.end()];
      return;
    }
    let at = shown.indexOf(needle, Math.max(0, seen - needle.length + 1));
    while (at >= 0) {
      const end = at + needle.length;
      const isFound = passes(at, end);
      if (isFound) yield [at, end];
      at = shown.indexOf(needle, isFound ? end : at + 1);
    }
  }

  /** The normal form, and for each of its characters the place of the letter that it comes from. */
  private splitLetters(line: string): [shown: string, letters: Range[]] {
    const parts: string[] = [];
    const letters: Range[] = [];
    for (const { 0: letter, index } of line.matchAll(LETTER)) {
      const part = this.normal(letter);
      parts.push(part);
      for (let i = 0; i < part.length; i++) letters.push([index, index + letter.length]);
    }
    return [parts.join(''), letters];
  }
}

const isWhole = (line: string, from: number, to: number): boolean =>
  !OF_WORD_BEFORE.test(line.slice(Math.max(0, from - 2), from)) && !OF_WORD_AFTER.test(line.slice(to, to + 2));
