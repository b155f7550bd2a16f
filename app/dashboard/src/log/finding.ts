/** Finds a text in a line, ignoring case. */
import type { Range } from './links';

const MAX_FOUND = 200;

/** `needle` is in lower case. */
export function findText(text: string, needle: string): Range[] {
  const lower = text.toLowerCase();
  // Some letters, such as `İ`, are longer in lower case: the letters after them move.
  const places = lower.length === text.length ? null : placesOf(text);
  const found: Range[] = [];
  for (
    let at = lower.indexOf(needle);
    at >= 0 && found.length < MAX_FOUND;
    at = lower.indexOf(needle, at + needle.length)
  ) {
    const end = at + needle.length;
    found.push(places ? [places[at]!, places[end - 1]! + lengthAt(text, places[end - 1]!)] : [at, end]);
  }
  return found;
}

/** For each character of the text in lower case: the place of the letter that it comes from. */
function placesOf(text: string): number[] {
  const places: number[] = [];
  let at = 0;
  for (const letter of text) {
    for (let i = 0; i < letter.toLowerCase().length; i++) places.push(at);
    at += letter.length;
  }
  return places;
}

const lengthAt = (text: string, at: number): number => (text.codePointAt(at)! > 0xffff ? 2 : 1);
