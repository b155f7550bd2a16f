/** Draws one log row into an element: number, time, level, text. Uses text nodes, classes and CSSOM, never markup. */
import { type Row, groupOpenedBy, progressCount, rowLevel, rowRecord, rowText } from './rows';
import { type Piece, parseAnsi } from './ansi';

/** Longer lines are cut: drawing them would freeze the page. */
const MAX_DRAWN = 4000;
// eslint-disable-next-line no-control-regex
const LINK = /https?:\/\/[^\s"'<>`\x00-\x1f]+[^\s"'<>`.,;:!?)\]}\x00-\x1f]/g;
const LEVEL_WORDS = { debug: 'DEBUG', info: '', warning: 'WARN', error: 'ERROR' } as const;

export interface RowState {
  /** The search text in lower case, or ''. */
  readonly q: string;
  readonly isCurrent: boolean;
  readonly isMarked: boolean;
  readonly isFolded: boolean;
}

export function drawRow(element: HTMLElement, row: Row, state: RowState): void {
  const record = rowRecord(row);
  const level = rowLevel(row);
  const group = groupOpenedBy(row);
  element.className = [
    'row',
    level,
    record.event ?? '',
    record.stream === 'solorun' ? 'solorun' : '',
    state.isMarked ? 'marked' : '',
    state.isCurrent ? 'current' : '',
  ]
    .filter(Boolean)
    .join(' ');
  element.dataset['seq'] = String(row.seq);
  const number = make('a', 'number', row.seq.toLocaleString('en'));
  number.href = `#L${row.seq}`;
  number.tabIndex = -1;
  if (row.firstSeq < row.seq && row.records.length > 1)
    number.title = `Records ${row.firstSeq.toLocaleString('en')} to ${row.seq.toLocaleString('en')}`;
  const time = make('span', 'time', clockTime(record.time));
  time.title = record.time;
  const text = make('span', 'text');
  if (group !== null) {
    const toggle = make('button', 'fold', `${state.isFolded ? '▸' : '▾'} ${group || 'group'}`);
    toggle.type = 'button';
    toggle.setAttribute('aria-expanded', String(!state.isFolded));
    text.append(toggle);
  } else drawText(text, rowText(row), state.q);
  if (progressCount(row) > 1)
    text.append(make('span', 'repeats', `${progressCount(row).toLocaleString('en')} updates`));
  element.replaceChildren(number, time, make('span', 'level', LEVEL_WORDS[level]), text);
}

export function drawPlaceholder(element: HTMLElement): void {
  element.className = 'row loading';
  delete element.dataset['seq'];
  element.replaceChildren(make('span', 'number', '·'));
}

/** Width of the drawn part of a line, in monospaced columns. Wide characters take two. */
export function columnsOf(line: string): number {
  const drawn = Math.min(line.length, MAX_DRAWN + 60);
  let wide = 0;
  for (let i = 0; i < drawn; i++) if (line.charCodeAt(i) > 0x2e7f) wide++;
  return drawn + wide;
}

function drawText(parent: HTMLElement, line: string, q: string): void {
  const pieces = parseAnsi(line.length > MAX_DRAWN * 2 ? line.slice(0, MAX_DRAWN * 2) : line);
  const whole = pieces.map((piece) => piece.text).join('');
  const drawn = whole.slice(0, MAX_DRAWN);
  const hits = q ? ranges(drawn.toLowerCase(), q) : [];
  const links = drawn.includes('://')
    ? [...drawn.matchAll(LINK)].map((match) => [match.index, match.index + match[0].length] as const)
    : [];
  const edges = new Set<number>([...hits.flat(), ...links.flat()]);
  let at = 0;
  let link: { element: HTMLElement; end: number } | null = null;
  for (const piece of pieces) {
    const end = Math.min(at + piece.text.length, drawn.length);
    while (at < end) {
      let next = at + 1;
      while (next < end && !edges.has(next)) next++;
      const opened = links.find(([from]) => from === at);
      if (opened) link = { element: makeLink(parent, drawn.slice(...opened)), end: opened[1] };
      if (link && at >= link.end) link = null;
      (link?.element ?? parent).append(
        drawPiece(
          piece,
          drawn.slice(at, next),
          hits.some(([from, to]) => from <= at && at < to),
        ),
      );
      at = next;
    }
  }
  const more = line.length - drawn.length;
  if (more > 0 && whole.length > drawn.length)
    parent.append(make('span', 'more', ` … ${more.toLocaleString('en')} more characters (see the download)`));
}

function drawPiece(piece: Piece, text: string, isHit: boolean): Node {
  if (!piece.style && !piece.color && !piece.background && !isHit) return document.createTextNode(text);
  const element = make(isHit ? 'mark' : 'span', piece.style, text);
  if (piece.color) element.style.color = piece.color;
  if (piece.background && !isHit) element.style.backgroundColor = piece.background;
  return element;
}

function makeLink(parent: HTMLElement, address: string): HTMLElement {
  const link = make('a', 'link');
  link.href = address;
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
  link.tabIndex = -1;
  parent.append(link);
  return link;
}

function ranges(text: string, q: string): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  for (let at = text.indexOf(q); at >= 0 && found.length < 200; at = text.indexOf(q, at + q.length))
    found.push([at, at + q.length]);
  return found;
}

function clockTime(iso: string): string {
  const time = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
