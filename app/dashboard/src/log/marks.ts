/** Where errors and matches are in the log, as marks at the right edge of the pane. */
import type { Layout } from './layout';

const HEIGHT = 1000;
const SVG = 'http://www.w3.org/2000/svg';

/** The seqs of the marked records. */
export interface Marked {
  readonly errors: readonly number[];
  readonly matches: readonly number[];
}

export class Marks {
  readonly element = document.createElement('div');
  private readonly svg = document.createElementNS(SVG, 'svg');
  private readonly errors = document.createElementNS(SVG, 'path');
  private readonly matches = document.createElementNS(SVG, 'path');
  private marked: Marked = { errors: [], matches: [] };
  private drawnLength = -1;
  /** The height of all rows, if all are in view. */
  private drawnContent: number | null = null;

  constructor() {
    this.element.className = 'marks';
    this.element.setAttribute('aria-hidden', 'true');
    this.svg.setAttribute('viewBox', `0 0 1 ${HEIGHT}`);
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.errors.setAttribute('class', 'errors');
    this.matches.setAttribute('class', 'matches');
    this.svg.append(this.errors, this.matches);
    this.element.append(this.svg);
  }

  show(marked: Marked): void {
    this.marked = marked;
    this.drawnLength = -1;
  }

  /** Beside the rows if all are in view. In a log that grows, marks hardly move from one frame to the next. */
  draw(log: { readonly length: number; indexOf(seq: number): number }, height: number, { tops }: Layout): void {
    const end = tops[log.length];
    const content = end !== undefined && end <= height ? end : null;
    this.svg.style.height = `${content ?? height}px`;
    const hasMoved = Math.abs(log.length - this.drawnLength) > log.length / 100 || content !== this.drawnContent;
    if (!hasMoved && this.drawnLength >= 0) return;
    this.drawnLength = log.length;
    this.drawnContent = content;
    const placeOf = (row: number): number =>
      content ? (tops[row]! + (tops[row + 1] ?? content)) / 2 / content : (row + 0.5) / (log.length || 1);
    const pathOf = (seqs: readonly number[]): string => {
      const places = new Set(seqs.map((seq) => Math.round(placeOf(log.indexOf(seq)) * HEIGHT)));
      return [...places].map((place) => `M0 ${place}h1`).join('');
    };
    this.errors.setAttribute('d', pathOf(this.marked.errors));
    this.matches.setAttribute('d', pathOf(this.marked.matches));
  }
}
