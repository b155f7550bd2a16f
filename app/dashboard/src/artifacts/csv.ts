/** Parses CSV (RFC 4180, leniently) into rows of cells. */
export function parseCsv(text: string, separator = ','): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let isQuoted = false;
  const endRow = (): void => {
    row.push(cell);
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
    cell = '';
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (text[i + 1] === '"') cell += text[i++];
      else isQuoted = false;
    } else if (char === '"' && cell === '') isQuoted = true;
    else if (char === separator) {
      row.push(cell);
      cell = '';
    } else if (char === '\n') endRow();
    else if (char !== '\r' && !(i === 0 && char === '\ufeff')) cell += char;
  }
  if (cell !== '' || row.length) endRow();
  return rows;
}

const SEPARATORS = [',', ';', '\t', '|'] as const;
const SAMPLE_CHARS = 64 * 1024;
const SAMPLE_ROWS = 50;
/** Excel writes the separator into a line of its own. */
const DECLARED = /^\ufeff?sep=(.)\r?\n/i;

/** Parses a file. Its separator is the one that divides most of its first rows into as many cells as the first row. */
export function parseTable(text: string, name: string): string[][] {
  const declared = DECLARED.exec(text);
  if (declared) return parseCsv(text.slice(declared[0].length), declared[1]);
  return parseCsv(text, /\.tsv$/i.test(name) ? '\t' : findSeparator(text.slice(0, SAMPLE_CHARS)));
}

function findSeparator(sample: string): string {
  const scores = SEPARATORS.map((separator) => {
    const rows = parseCsv(sample, separator).slice(0, SAMPLE_ROWS);
    const width = rows[0]?.length ?? 0;
    return width < 2 ? 0 : rows.filter((row) => row.length === width).length / rows.length;
  });
  return SEPARATORS[scores.indexOf(Math.max(...scores))]!;
}
