/** The state that SGR escape sequences (colours, bold, …) change, and the look of text written with it. */
import { type Rgb, readableOn, readableText, toCss } from './contrast';

/** One of the 16 colours by its number, or any other by its parts. */
type Colour = number | Rgb | null;

export interface Look {
  /** CSS classes such as `f1 bold`: the foreground and background of the 16 colours, and the attributes. */
  readonly style: string;
  /** CSS colours for the 256 colours and true colours, readable in both themes, or ''. */
  readonly color: string;
  readonly background: string;
}

const ATTRIBUTES: Readonly<Record<number, string>> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'strike',
};
const CLEARED_BY: Readonly<Record<number, readonly number[]>> = { 22: [1, 2], 23: [3], 24: [4], 27: [7], 29: [9] };

export class Pen {
  private readonly attributes = new Set<number>();
  private foreground: Colour = null;
  private background: Colour = null;

  look(): Look {
    const isInverse = this.attributes.has(7);
    const swapped = isInverse && (isRgb(this.foreground) || isRgb(this.background));
    const [front, back] = swapped ? [this.background, this.foreground] : [this.foreground, this.background];
    const classes = [...this.attributes].filter((code) => !(swapped && code === 7)).map((code) => ATTRIBUTES[code]!);
    // Of the 16 colours, text and background do not fit together on a background of its own, nor inverted.
    if (typeof front === 'number' && !isRgb(back) && !isInverse) classes.push(`f${front}`);
    if (typeof back === 'number' && !isInverse) classes.push(`b${back}`);
    let color = '';
    if (isRgb(back)) color = readableOn(back, isRgb(front) ? front : null);
    else if (isRgb(front)) color = readableText(front, typeof back === 'number');
    return { style: classes.join(' '), color, background: isRgb(back) ? toCss(back) : '' };
  }

  /** Applies the parameters of an SGR sequence: separated by `;`, each perhaps with further ones after a `:`. */
  apply(parameters: string): void {
    const codes = parameters.split(';');
    for (let i = 0; i < codes.length; i++) {
      const [first = '', ...rest] = codes[i]!.split(':');
      const code = Number(first);
      if (code === 38 || code === 48 || code === 58) {
        const [colour, used] = rest.length ? [extended(withoutSpace(rest))[0], 0] : extended(codes.slice(i + 1));
        if (code === 38) this.foreground = colour;
        else if (code === 48) this.background = colour;
        i += used;
      } else if (code === 4 && rest[0] === '0') this.attributes.delete(4);
      else this.applyOne(code);
    }
  }

  private applyOne(code: number): void {
    if (code === 0) {
      this.attributes.clear();
      this.foreground = this.background = null;
    } else if (ATTRIBUTES[code]) this.attributes.add(code);
    else if (CLEARED_BY[code]) for (const cleared of CLEARED_BY[code]) this.attributes.delete(cleared);
    else if (code >= 30 && code <= 37) this.foreground = code - 30;
    else if (code >= 90 && code <= 97) this.foreground = code - 82;
    else if (code >= 40 && code <= 47) this.background = code - 40;
    else if (code >= 100 && code <= 107) this.background = code - 92;
    else if (code === 39) this.foreground = null;
    else if (code === 49) this.background = null;
  }
}

const isRgb = (colour: Colour): colour is Rgb => typeof colour === 'object' && colour !== null;

/** Between `:`, true colours have a colour space before their parts. It is usually empty. */
const withoutSpace = (rest: readonly string[]): readonly string[] =>
  rest[0] === '2' && rest.length > 4 ? [rest[0], ...rest.slice(2)] : rest;

/** The colour that follows a code 38, 48 or 58, and the number of codes used. */
function extended(codes: readonly string[]): [colour: Colour, used: number] {
  const byte = (i: number): number => Math.min(255, Math.max(0, Number(codes[i]) || 0));
  if (codes[0] === '2') return [[byte(1), byte(2), byte(3)], 4];
  if (codes[0] !== '5') return [null, codes.length];
  const index = byte(1);
  if (index < 16) return [index, 2];
  if (index > 231) {
    const grey = 8 + (index - 232) * 10;
    return [[grey, grey, grey], 2];
  }
  const level = (value: number): number => (value ? 55 + value * 40 : 0);
  const cube = index - 16;
  return [[level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)], 2];
}
