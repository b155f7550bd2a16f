/** Ranks what a user may mean by how well it matches what they typed. */

/**
 * A number that is higher for better matches, or null. Each word must occur in the name or in the other words, or its
 * letters must occur in the name in order.
 */
export function rank(name: string, others: string, words: readonly string[]): number | null {
  const [inName, inOthers] = [name.toLowerCase(), others.toLowerCase()];
  let sum = 0;
  for (const word of words) {
    const score = rankInName(inName, word) ?? rankInOthers(inOthers, word) ?? rankLetters(inName, word);
    if (score === null) return null;
    sum += score;
  }
  return sum;
}

const startsWord = (text: string, at: number): boolean => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!);

function rankInName(name: string, word: string): number | null {
  const at = name.indexOf(word);
  if (at < 0) return null;
  return at === 0 ? 100 : startsWord(name, at) ? 80 : 60;
}

/** Few letters occur inside of nearly every text. */
function rankInOthers(others: string, word: string): number | null {
  for (let at = others.indexOf(word); at >= 0; at = others.indexOf(word, at + 1)) {
    if (startsWord(others, at)) return 50;
    if (word.length > 2) return 45;
  }
  return null;
}

function rankLetters(name: string, word: string): number | null {
  let [next, gaps, last] = [0, 0, -1];
  for (const letter of word) {
    next = name.indexOf(letter, next);
    if (next < 0) return null;
    if (last >= 0) gaps += next - last - 1;
    last = next++;
  }
  // Letters that are far apart match by chance.
  return word.length > 1 && gaps <= 3 * word.length ? 40 - gaps : null;
}
