/** Finds the addresses in a line of text. */
// eslint-disable-next-line no-control-regex
const ADDRESS = /https?:\/\/[^\s"'<>`\x00-\x1f]+/g;
const CLOSERS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** From (inclusive) and to (exclusive). */
export type Range = readonly [from: number, to: number];

/** Punctuation after an address is not part of it; a bracket that closes one of its own is. */
export function findAddresses(text: string): Range[] {
  if (!text.includes('://')) return [];
  return [...text.matchAll(ADDRESS)].flatMap((match) => {
    const length = lengthOf(match[0]);
    return /^https?:\/\/./.test(match[0].slice(0, length)) ? [[match.index, match.index + length] as const] : [];
  });
}

function lengthOf(address: string): number {
  const open = new Map<string, number>();
  for (const char of address) {
    const opener = CLOSERS[char] ?? char;
    if (opener !== char) open.set(opener, (open.get(opener) ?? 0) - 1);
    else if ('([{'.includes(char)) open.set(char, (open.get(char) ?? 0) + 1);
  }
  let length = address.length;
  for (; length > 0; length--) {
    const char = address[length - 1]!;
    const opener = CLOSERS[char];
    if (opener !== undefined && (open.get(opener) ?? 0) < 0) open.set(opener, open.get(opener)! + 1);
    else if (!'.,;:!?'.includes(char)) break;
  }
  return length;
}
