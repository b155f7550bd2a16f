/**
 * What the reader has selected in the log. The rows with its ends stay in the document, out of view, because the browser
 * ends a selection whose ends are removed. All rows between them may be absent: the log knows their text.
 */
import type { Selected } from './copying';

export class TextSelection {
  private lastEnds: ReadonlySet<HTMLElement> = new Set();
  /** Whether text is selected, not only a caret placed. */
  isOpen = false;

  constructor(private readonly list: HTMLElement) {}

  /** The rows with its ends. A caret has both in one row. The event of a new selection may come after a frame. */
  get ends(): ReadonlySet<HTMLElement> {
    const range = selectedRange();
    return new Set([range?.startContainer, range?.endContainer].flatMap((node) => this.rowOf(node) ?? []));
  }

  /** Call when the selection of the document has changed. Returns whether the ends are in other rows. */
  update(): boolean {
    const [before, ends] = [this.lastEnds, this.ends];
    this.lastEnds = ends;
    this.isOpen = ends.size > 0 && selectedRange()?.collapsed === false;
    return [...ends].some((row) => !before.has(row)) || before.size !== ends.size;
  }

  /** The selected lines; null if less than two have a part of it, or if it leaves the log. */
  lines(): Selected | null {
    const range = selectedRange();
    const [first, last] = [this.rowOf(range?.startContainer), this.rowOf(range?.endContainer)];
    if (!range || !first || !last || first === last) return null;
    return {
      from: Number(first.dataset['firstSeq']),
      upTo: Number(last.dataset['seq']),
      start: offsetIn(first, range.startContainer, range.startOffset),
      end: offsetIn(last, range.endContainer, range.endOffset),
    };
  }

  private rowOf(node: Node | undefined): HTMLElement | null {
    const element = node instanceof Element ? node : node?.parentElement;
    const row = element?.closest<HTMLElement>('.row[data-seq]') ?? null;
    return row && this.list.contains(row) ? row : null;
  }
}

function selectedRange(): Range | null {
  const selection = document.getSelection();
  return selection?.rangeCount ? selection.getRangeAt(0) : null;
}

/** How many characters of the row's text precede this point. */
function offsetIn(row: HTMLElement, node: Node, offset: number): number {
  const range = document.createRange();
  range.selectNodeContents(row.querySelector('.text')!);
  const side = range.comparePoint(node, offset);
  if (side !== 0) return side < 0 ? 0 : Infinity;
  range.setEnd(node, offset);
  return range.toString().length;
}
