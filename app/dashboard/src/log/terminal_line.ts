/**
 * What a terminal shows of a line that is written in pieces: text may be written over, erased and moved to. Colours (SGR)
 * and links (OSC 8) are kept, and everything else that controls a terminal is dropped.
 */
/** Only moves of the cursor stop at this column: longer lines do not wrap. */
const WIDTH = 120;
/** The longest part of a sequence that is kept until the rest of it arrives. */
const MAX_PENDING = 4096;
/** How many colours and styles add up. The limit bounds the text. */
const MAX_STYLES = 32;
/** How many characters share a cell. The limit bounds the text. */
const MAX_ACCENTS = 32;
const TAB = 8;
const NO_WIDTH = /^(?!\xad)[\p{Mn}\p{Me}\p{Cf}]/u;
/** East Asian Width W and F. The two letters of a flag are narrow, as they share its columns. */
const WIDE =
  /^(?![\u{1f1e6}-\u{1f1ff}])[\p{Emoji_Presentation}\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u;

/** By ECMA-48, as in `ansi.ts`. The groups that are missing at the end of a piece arrive with the next one. */
const CONTROL =
  // eslint-disable-next-line no-control-regex
  /(?:\x1b\[|\x9b)([0-?]*)([ -/]*)([@-~]?)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])([^\x07\x1b\x9c]*)(\x07|\x1b\\|\x9c|(?=\x1b[^]))?|\x1b[ -/]*([0-~]?)|([\x00-\x08\x0a-\x1f\x7f-\x9f])/g;
// eslint-disable-next-line no-control-regex
const REDRAWS = /[\r\b]|(?:\x1b\[|\x9b)\d*[KJGCD]/;

/** Whether the line is anything but its text in order. */
export const isRedrawn = (line: string): boolean => REDRAWS.test(line);

interface Cell {
  /** A character with its accents, or nothing in the further columns of a wide one or a tab. */
  readonly char: string;
  /** The sequences that are in effect here. */
  readonly look: string;
}
const BLANK: Cell = { char: ' ', look: '' };

export class TerminalLine {
  private readonly cells: Cell[] = [];
  private column = 0;
  private pending = '';
  private styles: string[] = [];
  private link = '';
  private look = '';

  /** In columns. */
  get length(): number {
    return this.cells.length;
  }

  /** The text, in which each change of look begins with a reset. */
  get text(): string {
    let text = '';
    let look = '';
    for (const cell of this.cells) {
      if (cell.look !== look) text += `${look && '\x1b[0m\x1b]8;;\x07'}${cell.look}`;
      look = cell.look;
      text += cell.char;
    }
    return text;
  }

  write(piece: string): void {
    const text = this.pending + piece;
    this.pending = '';
    let from = 0;
    for (const match of text.matchAll(CONTROL)) {
      const [all, parameters = '', intermediates, final, content, end, escape, control] = match;
      this.put(text.slice(from, match.index));
      from = match.index + all.length;
      if (from === text.length && !final && !end && !escape && !control)
        this.pending = all.length <= MAX_PENDING ? all : '';
      else if (control === '\r') this.column = 0;
      else if (control === '\b') this.column = Math.max(0, this.column - 1);
      else if (content?.startsWith('8;')) this.setLink(content);
      else if (final && !intermediates) this.obey(final, parameters);
    }
    this.put(text.slice(from));
  }

  private put(text: string): void {
    for (const char of text) {
      if (char === '\t') this.moveToStop();
      else if (char < '\x7f') this.place(char);
      else if (NO_WIDTH.test(char)) this.attach(char);
      else if (WIDE.test(char)) this.place(char, 2);
      else this.place(char);
    }
  }

  private place(char: string, width = 1): void {
    this.pad();
    const end = this.column + width;
    this.split(this.column);
    this.split(end);
    while (this.column < end) {
      this.cells[this.column] = { char, look: this.look };
      char = '';
      this.column++;
    }
  }

  private pad(): void {
    while (this.cells.length < this.column) this.cells.push(BLANK);
  }

  private attach(accent: string): void {
    this.pad();
    let at = this.column - 1;
    while (at > 0 && !this.cells[at]!.char) at--;
    const cell = this.cells[at];
    if (!cell) this.place(accent);
    else if (cell.char.length < MAX_ACCENTS) this.cells[at] = { ...cell, char: cell.char + accent };
  }

  /** A tab writes nothing over text. It is kept where it ends the line. */
  private moveToStop(): void {
    const missing = TAB - (this.column % TAB);
    if (this.column < this.cells.length) this.column += missing;
    else this.place('\t', missing);
  }

  /** Replaces a wide character or a tab on both sides of the column by spaces. */
  private split(column: number): void {
    if (this.cells[column]?.char !== '') return;
    let start = column - 1;
    while (!this.cells[start]!.char) start--;
    let end = column;
    while (this.cells[end]?.char === '') end++;
    for (; start < end; start++) this.cells[start] = { ...this.cells[start]!, char: ' ' };
  }

  private obey(final: string, parameters: string): void {
    if (final === 'm') return this.setStyle(parameters);
    if (!/^\d{0,9}$/.test(parameters)) return;
    const number = Number(parameters);
    const last = Math.max(WIDTH, this.cells.length) - 1;
    if (final === 'K' || (final === 'J' && number === 0)) this.erase(number);
    else if (final === 'G') this.column = Math.min(Math.max(number, 1) - 1, last);
    else if (final === 'C') this.column = Math.max(this.column, Math.min(this.column + Math.max(number, 1), last));
    else if (final === 'D') this.column = Math.max(0, this.column - Math.max(number, 1));
  }

  /** Erases from the cursor to the end (0), from the start up to and with the cursor (1), or everything (2). */
  private erase(part: number): void {
    if (part === 1) {
      this.split(this.column + 1);
      this.cells.fill(BLANK, 0, this.column + 1);
    } else if (part === 0 || part === 2) {
      const start = part === 0 ? this.column : 0;
      this.split(start);
      this.cells.splice(start);
    }
  }

  /** A private prefix such as in `ESC[>4;2m` changes what the sequence means. */
  private setStyle(parameters: string): void {
    if (/[<-?]/.test(parameters)) return;
    if (/^0*$/.test(parameters)) this.styles = [];
    else this.styles = [...this.styles, `\x1b[${parameters}m`].slice(-MAX_STYLES);
    this.look = this.styles.join('') + this.link;
  }

  private setLink(content: string): void {
    this.link = /^8;[^;]*;./.test(content) ? `\x1b]${content}\x07` : '';
    this.look = this.styles.join('') + this.link;
  }
}
