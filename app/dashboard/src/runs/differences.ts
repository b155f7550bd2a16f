/** The differences between two texts, line by line, with some of the equal lines around them. */
import { diffArrays } from 'diff';

export interface Line {
  readonly text: string;
  /** What the line is called in its text: the seq of a log's record, or the number of a file's line. */
  readonly number: number;
}

/** A line that is in both texts, or in one. `skipped` is the number of equal lines that are left out before it. */
export interface Difference {
  readonly left: Line | null;
  readonly right: Line | null;
  readonly skipped: number;
}

export interface Differences {
  readonly lines: readonly Difference[];
  /** The number of equal lines that are left out at the end. */
  readonly skipped: number;
  readonly added: number;
  readonly removed: number;
}

const CONTEXT = 3;
/** Texts that differ more are not compared: it would take too long, and help no one. */
const MAX_EDITS = 1_500;

/** Null if the texts differ too much. With `ignoresNumbers`, lines that differ only in numbers are equal. */
export function findDifferences(
  left: readonly Line[],
  right: readonly Line[],
  ignoresNumbers: boolean,
): Differences | null {
  const keyOf = ({ text }: Line): string => (ignoresNumbers ? text.replace(/\d+(\.\d+)?/g, '0') : text);
  const parts = diffArrays(left.map(keyOf), right.map(keyOf), { maxEditLength: MAX_EDITS });
  if (!parts) return null;
  const all: Omit<Difference, 'skipped'>[] = [];
  let [i, j] = [0, 0];
  for (const { added, removed, value } of parts)
    for (let n = value.length; n > 0; n--)
      all.push({ left: added ? null : left[i++]!, right: removed ? null : right[j++]! });
  const [added, removed] = (['left', 'right'] as const).map((side) => all.filter((one) => !one[side]).length);
  return { ...withContext(all), added: added!, removed: removed! };
}

function withContext(all: readonly Omit<Difference, 'skipped'>[]): Pick<Differences, 'lines' | 'skipped'> {
  const isNear = new Array<boolean>(all.length).fill(false);
  all.forEach(({ left, right }, i) => {
    if (!left || !right) isNear.fill(true, Math.max(0, i - CONTEXT), i + CONTEXT + 1);
  });
  const lines: Difference[] = [];
  let skipped = 0;
  all.forEach((one, i) => {
    if (!isNear[i]) return void skipped++;
    lines.push({ ...one, skipped });
    skipped = 0;
  });
  return { lines, skipped };
}

/** The lines of a file. */
export const toLines = (text: string): Line[] =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line, i) => ({ text: line, number: i + 1 }));
