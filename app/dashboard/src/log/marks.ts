/** Where errors and matches are in the log, as marks at the right edge of the pane. */

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

  /** In a log that grows, marks hardly move from one frame to the next. */
  draw(log: { readonly length: number; indexOf(seq: number): number }, height: number): void {
    this.svg.style.height = `${height}px`;
    if (Math.abs(log.length - this.drawnLength) <= log.length / 100 && this.drawnLength >= 0) return;
    this.drawnLength = log.length;
    const pathOf = (seqs: readonly number[]): string => {
      const places = new Set(seqs.map((seq) => Math.round(((log.indexOf(seq) + 0.5) / (log.length || 1)) * HEIGHT)));
      return [...places].map((place) => `M0 ${place}h1`).join('');
    };
    this.errors.setAttribute('d', pathOf(this.marked.errors));
    this.matches.setAttribute('d', pathOf(this.marked.matches));
  }
}
