/** Ranks texts by how well they match what a user typed. */

/** A number that is higher for better matches, or null. Each word must occur, or at least its letters in order. */
export function rank(text: string, words: readonly string[]): number | null {
  const lower = text.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const score = rankWord(lower, word);
    if (score === null) return null;
    sum += score;
  }
  return sum;
}

function rankWord(text: string, word: string): number | null {
  const at = text.indexOf(word);
  if (at === 0) return 100;
  if (at > 0) return /[\p{L}\p{N}]/u.test(text[at - 1]!) ? 60 : 80;
  let [next, gaps, last] = [0, 0, -1];
  for (const letter of word) {
    next = text.indexOf(letter, next);
    if (next < 0) return null;
    if (last >= 0) gaps += next - last - 1;
    last = next++;
  }
  // Letters that are far apart match by chance.
  return word.length > 1 && gaps <= 3 * word.length ? 40 - gaps : null;
}
