/** Sorts the cells of a column: as numbers if all of them are numbers, else as text. Empty cells come last. */
const COLLATOR = new Intl.Collator(undefined, { numeric: true });
const GROUPED = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/;
const DECIMAL_COMMA = /^[+-]?\d+,\d+$/;
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The indexes of the cells in ascending or descending order. Equal cells keep their order. */
export function sortedIndexes(cells: readonly string[], isDescending = false): number[] {
  const numbers = toNumbers(cells);
  const sign = isDescending ? -1 : 1;
  const isEmpty = (i: number): boolean => cells[i]!.trim() === '';
  return cells
    .map((_, i) => i)
    .sort((a, b) => {
      if (isEmpty(a) || isEmpty(b)) return +isEmpty(a) - +isEmpty(b);
      return sign * (numbers ? numbers[a]! - numbers[b]! : COLLATOR.compare(cells[a]!, cells[b]!));
    });
}

export const isNumber = (cell: string): boolean => parse(cell, false) !== null || parse(cell, true) !== null;

/** `1,234` is 1234, unless a cell such as `0,5` shows that this column has decimal commas. */
function toNumbers(cells: readonly string[]): number[] | null {
  for (const hasDecimalCommas of [false, true]) {
    const numbers = cells.map((cell) => (cell.trim() === '' ? 0 : parse(cell, hasDecimalCommas)));
    if (numbers.every((number) => number !== null)) return numbers;
  }
  return null;
}

function parse(cell: string, hasDecimalCommas: boolean): number | null {
  const text = cell
    .trim()
    .replace(/^\u2212/, '-')
    .replace(/\s?%$/, '');
  if (hasDecimalCommas && DECIMAL_COMMA.test(text)) return Number(text.replace(',', '.'));
  if (!hasDecimalCommas && GROUPED.test(text)) return Number(text.replaceAll(',', ''));
  return PLAIN.test(text) ? Number(text) : null;
}
