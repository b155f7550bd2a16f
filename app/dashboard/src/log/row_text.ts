/** Draws the text of a log row: colours, links, and search hits. Uses text nodes, classes and CSSOM, never markup. */
import { type Piece, parseAnsi } from './ansi';
import { nameOf, splitAtDirection } from './controls';
import type { TextFinder } from './finding';
import { type Range, findAddresses } from './links';

/** Longer lines are cut: drawing them would freeze the page. */
export const MAX_DRAWN = 4000;

interface Link {
  readonly range: Range;
  readonly address: string;
}

/** Marks where `search` finds its text. */
export function drawText(parent: HTMLElement, line: string, search: TextFinder | null): void {
  const pieces = parseAnsi(line.length > MAX_DRAWN * 2 ? line.slice(0, MAX_DRAWN * 2) : line);
  const whole = pieces.map((piece) => piece.text).join('');
  const drawn = whole.slice(0, MAX_DRAWN);
  const hits = search?.find(drawn) ?? [];
  const links = linksIn(pieces, drawn);
  const edges = new Set<number>([...hits.flat(), ...links.flatMap(({ range }) => range)]);
  let at = 0;
  let link: { element: HTMLElement; end: number } | null = null;
  for (const piece of pieces) {
    const end = Math.min(at + piece.text.length, drawn.length);
    const start = at;
    while (at < end) {
      let next = at + 1;
      while (next < end && !edges.has(next)) next++;
      const opened = links.find(({ range }) => range[0] === at);
      if (opened) link = { element: makeLink(parent, opened.address), end: opened.range[1] };
      if (link && at >= link.end) link = null;
      const isHit = hits.some(([from, to]) => from <= at && at < to);
      (link?.element ?? parent).append(drawPiece(piece, piece.text.slice(at - start, next - start), isHit));
      at = next;
    }
  }
  const more = line.length - drawn.length;
  if (more > 0 && whole.length > drawn.length)
    parent.append(make('span', 'more', ` … ${more.toLocaleString('en')} more characters (see the download)`));
}

/** The links that OSC 8 sequences make, and the addresses in the rest of the text. */
function linksIn(pieces: readonly Piece[], drawn: string): Link[] {
  const links: Link[] = [];
  let at = 0;
  for (const { text, link } of pieces) {
    const [from, to] = [at, Math.min(at + text.length, drawn.length)];
    at += text.length;
    if (!link || from >= to) continue;
    const last = links[links.length - 1];
    if (last?.address === link && last.range[1] === from)
      links[links.length - 1] = { range: [last.range[0], to], address: link };
    else links.push({ range: [from, to], address: link });
  }
  const isFree = ([from, to]: Range): boolean => links.every(({ range }) => to <= range[0] || range[1] <= from);
  const found = findAddresses(drawn).filter(isFree);
  return [...links, ...found.map((range) => ({ range, address: drawn.slice(...range) }))];
}

function drawPiece(piece: Piece, text: string, isHit: boolean): Node {
  const parts = splitAtDirection(text);
  if (!piece.style && !piece.color && !piece.background && !isHit && parts.length === 1)
    return document.createTextNode(text);
  // A hit has a background of its own, on which the line's colours may be unreadable.
  const style = isHit ? piece.style.replace(/\b[fb]\d+\b|\binverse\b/g, '').trim() : piece.style;
  const element = make(isHit ? 'mark' : 'span', style);
  if (!isHit) {
    if (piece.color) element.style.color = piece.color;
    if (piece.background) element.style.backgroundColor = piece.background;
  }
  parts.forEach((part, i) => element.append(i % 2 ? makeControl(part) : part));
  return element;
}

function makeControl(char: string): HTMLElement {
  const mark = make('span', 'control', nameOf(char));
  mark.title = 'This character changes the direction of text';
  return mark;
}

function makeLink(parent: HTMLElement, address: string): HTMLElement {
  const link = make('a', 'link');
  link.href = address;
  link.title = address;
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
  link.tabIndex = -1;
  parent.append(link);
  return link;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
