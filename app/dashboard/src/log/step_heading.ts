/** The heading at the top of the pane, while the line that begins the step of the first visible row is above it. */
import type { RunStep } from '../api/mapping';
import { formatDuration, formatTime } from '../runs/format';
import { elapsed } from '../runs/timing';
import type { Layout } from './layout';
import { make } from './row_text';
import { ROW_HEIGHT } from './scrolling';

/** A row in view, and the distance of its upper edge from the top of the pane. */
export interface SeenRow {
  readonly seq: number;
  readonly y: number;
}

export class StepHeading {
  readonly element = make('button', 'heading');
  private drawn = '';
  private step: RunStep | undefined;

  constructor() {
    Object.assign(this.element, { type: 'button', tabIndex: -1, hidden: true, title: 'Go to the start of the step' });
  }

  /** The seq of the step's first line. */
  get firstSeq(): number {
    return this.step?.firstSeq ?? 1;
  }

  /** Shows the step of the first row in view. At the top of the log, it would hide the first line for good. */
  showAbove(
    { first, tops, anchor }: Layout,
    seqAt: (row: number) => number,
    steps: readonly RunStep[],
    isStale: boolean,
  ): void {
    const end = first + tops.length - 1;
    if (end === first) return;
    const seen = (row: number): SeenRow => ({ seq: seqAt(row), y: tops[row - first]! });
    const next = anchor.row + 1 < end ? seen(anchor.row + 1) : undefined;
    this.show(anchor.row === 0 && anchor.y >= 0 ? [] : steps, seen(anchor.row), next, isStale);
  }

  /** `row` is the first in view. `next` pushes the heading up when it begins another step. */
  show(steps: readonly RunStep[], row: SeenRow, next: SeenRow | undefined, isStale: boolean): void {
    this.step = stepOf(steps, row);
    this.element.hidden = !this.step;
    if (!this.step) return;
    const isLast = next !== undefined && this.step.lastSeq !== null && next.seq > this.step.lastSeq;
    this.element.style.transform = `translateY(${isLast ? Math.min(0, next.y - ROW_HEIGHT) : 0}px)`;
    this.draw(this.step, factsOf(this.step, row.seq, isStale));
  }

  private draw({ name }: RunStep, facts: string): void {
    if (this.drawn === `${name} ${facts}`) return;
    this.drawn = `${name} ${facts}`;
    this.element.replaceChildren(make('b', '', name), make('span', '', facts));
  }
}

/** The step whose first line is above the row, or cut by the top of the pane. */
const stepOf = (steps: readonly RunStep[], { seq, y }: SeenRow): RunStep | undefined =>
  steps.find(
    ({ firstSeq, lastSeq }) =>
      firstSeq !== null && (firstSeq < seq || (firstSeq === seq && y < 0)) && seq <= (lastSeq ?? Infinity),
  );

function factsOf(
  { status, startedAt, finishedAt, attempts, maxAttempts, ...step }: RunStep,
  seq: number,
  isStale: boolean,
): string {
  const attempt = attempts.findLast(({ firstSeq }) => firstSeq !== null && firstSeq <= seq);
  const took = finishedAt === null ? null : elapsed({ ...step, status, startedAt, finishedAt }, finishedAt);
  return [
    attempt && attempts.length > 1 ? `attempt ${attempt.number} of ${maxAttempts}` : '',
    startedAt === null ? '' : `started ${formatTime(startedAt)}`,
    took === null ? `${isStale ? 'was ' : ''}${status}` : `${status} after ${formatDuration(took)}`,
  ]
    .filter(Boolean)
    .join(' · ');
}
