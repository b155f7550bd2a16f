/**
 * Parses a line of output into pieces of styled text. Only SGR escape sequences (colours, bold, …) have an effect; all
 * others (titles, links, cursor moves) and all other control characters are dropped. Never produces markup.
 */
export interface Piece {
  readonly text: string;
  /** CSS classes such as `f1 bold`: the foreground and background of the 16 colours, and the attributes. */
  readonly style: string;
  /** `rgb()` for the 256 colours and true colours, or ''. */
  readonly color: string;
  readonly background: string;
}

const ESCAPES =
  // CSI (parameters and final byte), OSC/DCS/PM/APC up to their end, then any other escape of two or three characters.
  // eslint-disable-next-line no-control-regex
  /\x1b\[([0-9;:]*)([ -/]*[@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?|\x9b([0-9;:]*)([ -/]*[@-~])|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

// eslint-disable-next-line no-control-regex
const HAS_CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;

const ATTRIBUTES: Readonly<Record<number, string>> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'strike',
};
const CLEARED_BY: Readonly<Record<number, readonly number[]>> = { 22: [1, 2], 23: [3], 24: [4], 27: [7], 29: [9] };

class Pen {
  private attributes = new Set<number>();
  private foreground = '';
  private background = '';

  piece(text: string): Piece {
    const classes = [...this.attributes].map((code) => ATTRIBUTES[code] ?? '');
    if (/^f\d/.test(this.foreground)) classes.push(this.foreground);
    if (/^b\d/.test(this.background)) classes.push(this.background);
    return {
      text,
      style: classes.join(' '),
      color: this.foreground.startsWith('rgb') ? this.foreground : '',
      background: this.background.startsWith('rgb') ? this.background : '',
    };
  }

  apply(parameters: string): void {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] ?? 0;
      if (code === 0) this.reset();
      else if (ATTRIBUTES[code]) this.attributes.add(code);
      else if (CLEARED_BY[code]) for (const cleared of CLEARED_BY[code]) this.attributes.delete(cleared);
      else if (code >= 30 && code <= 37) this.foreground = `f${code - 30}`;
      else if (code >= 90 && code <= 97) this.foreground = `f${code - 82}`;
      else if (code >= 40 && code <= 47) this.background = `b${code - 40}`;
      else if (code >= 100 && code <= 107) this.background = `b${code - 92}`;
      else if (code === 39) this.foreground = '';
      else if (code === 49) this.background = '';
      else if (code === 38 || code === 48) {
        const [colour, used] = extended(codes, i + 1, code === 38 ? 'f' : 'b');
        if (code === 38) this.foreground = colour;
        else this.background = colour;
        i += used;
      }
    }
  }

  private reset(): void {
    this.attributes.clear();
    this.foreground = this.background = '';
  }
}

/** The colour that follows a code 38 or 48, and the number of codes used. */
function extended(codes: readonly number[], at: number, letter: string): [string, number] {
  const byte = (value: number | undefined): number => Math.min(255, Math.max(0, value || 0));
  if (codes[at] === 2) return [`rgb(${byte(codes[at + 1])},${byte(codes[at + 2])},${byte(codes[at + 3])})`, 4];
  if (codes[at] !== 5) return ['', codes.length];
  const index = byte(codes[at + 1]);
  if (index < 16) return [`${letter}${index}`, 2];
  if (index > 231)
    return [
      `rgb(${Array(3)
        .fill(8 + (index - 232) * 10)
        .join(',')})`,
      2,
    ];
  const level = (value: number): number => (value ? 55 + value * 40 : 0);
  const cube = index - 16;
  return [`rgb(${level(Math.floor(cube / 36))},${level(Math.floor(cube / 6) % 6)},${level(cube % 6)})`, 2];
}

export function parseAnsi(line: string): Piece[] {
  const pen = new Pen();
  const pieces: Piece[] = [];
  let from = 0;
  const take = (upTo: number): void => {
    if (upTo > from) pieces.push(pen.piece(line.slice(from, upTo)));
  };
  for (const match of line.matchAll(ESCAPES)) {
    take(match.index);
    const final = match[2] ?? match[4];
    if (final === 'm') pen.apply(match[1] ?? match[3] ?? '');
    from = match.index + match[0].length;
  }
  take(line.length);
  return pieces;
}

/** The text without escape sequences, for copying and searching. */
export const stripEscapes = (line: string): string => (HAS_CONTROLS.test(line) ? line.replace(ESCAPES, '') : line);

/** The part of a line that a terminal shows: the last non-empty one between carriage returns. */
export function lastOverwrite(line: string): string {
  if (!line.includes('\r')) return line;
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end--;
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}
