/**
 * Parses a line of output into pieces of styled text. Only SGR escape sequences (colours, bold, …) and links (OSC 8)
 * have an effect; all others (titles, modes, cursor moves) and all other control characters are dropped. Never produces
 * markup.
 */
import { type Look, Pen } from './pen';

export interface Piece extends Look {
  readonly text: string;
  /** The address that an OSC 8 sequence gives the text, or ''. */
  readonly link: string;
}

/**
 * By ECMA-48: CSI with its parameters, intermediates and final byte, which may be cut off; OSC, DCS, SOS, PM and APC up
 * to their end; any other escape; any other control character.
 */
const ESCAPES =
  // eslint-disable-next-line no-control-regex
  /(?:\x1b\[|\x9b)([0-?]*)([ -/]*)([@-~]?)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])([^\x07\x1b\x9c]*)(?:\x07|\x1b\\|\x9c|(?=\x1b)|$)|\x1b[ -/]*[0-~]?|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

// eslint-disable-next-line no-control-regex
const HAS_CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;
const LINK = /^8;[^;]*;(https?:\/\/.*)?$/i;

export function parseAnsi(line: string): Piece[] {
  const pen = new Pen();
  const pieces: Piece[] = [];
  let from = 0;
  let link = '';
  const take = (upTo: number): void => {
    if (upTo > from) pieces.push({ text: line.slice(from, upTo), ...pen.look(), link });
  };
  for (const match of line.matchAll(ESCAPES)) {
    const [all, parameters = '', intermediates, final, text] = match;
    take(match.index);
    // A private prefix such as in `ESC[>4;2m` changes what the sequence means.
    if (final === 'm' && !intermediates && !/[<-?]/.test(parameters)) pen.apply(parameters);
    else if (text?.startsWith('8;')) link = LINK.exec(text)?.[1] ?? '';
    from = match.index + all.length;
  }
  take(line.length);
  return pieces;
}

/** The text without escape sequences, for copying and searching. */
export const stripEscapes = (line: string): string => (HAS_CONTROLS.test(line) ? line.replace(ESCAPES, '') : line);
