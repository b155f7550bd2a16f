/** The heading at the top of the pane, while the line that begins the step of the first visible row is above it. */
import type { Run, RunStep } from '../api/mapping';
import { formatCount, formatDuration, formatElapsed } from '../runs/format';
import { formatLogTime } from '../runs/line_times';
import { hasEnded } from '../runs/status';
import { completedParts, elapsed } from '../runs/timing';
import { clock } from '../state/clock.svelte';
import type { Layout } from './layout';
import { make } from './row_text';
import { ROW_HEIGHT } from './scrolling';

/** A run's steps, as its log shows them. */
export interface Steps {
  /** Of the run. */
  readonly startedAt: number;
  readonly steps: readonly RunStep[];
  /** The steps are as they were when the service became unreachable. */
  readonly isStale: boolean;
  /** Of the step in progress. */
  readonly progress: { readonly step: string; readonly current: number; readonly total: number } | null;
  /** The service's time. */
  readonly now: number;
}

export function stepsOf(run: Run, isStale: boolean): Steps {
  const { steps, currentStep: step, progressCurrent: current, progressTotal: total } = run;
  return {
    startedAt: run.startedAt ?? run.createdAt,
    steps,
    isStale,
    progress: step === null || total === null ? null : { step, current: current ?? 0, total },
    now: hasEnded(run.status) ? 0 : clock.now,
  };
}

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
  showAbove({ first, tops, anchor }: Layout, seqAt: (row: number) => number, state: Steps): void {
    const end = first + tops.length - 1;
    if (end === first) return;
    const seen = (row: number): SeenRow => ({ seq: seqAt(row), y: tops[row - first]! });
    const next = anchor.row + 1 < end ? seen(anchor.row + 1) : undefined;
    this.show(anchor.row === 0 && anchor.y >= 0 ? { ...state, steps: [] } : state, seen(anchor.row), next);
  }

  /** `row` is the first in view. `next` pushes the heading up when it begins another step. */
  show(state: Steps, row: SeenRow, next: SeenRow | undefined): void {
    this.step = stepOf(state.steps, row);
    this.element.hidden = !this.step;
    if (!this.step) return;
    const isLast = next !== undefined && this.step.lastSeq !== null && next.seq > this.step.lastSeq;
    this.element.style.transform = `translateY(${isLast ? Math.min(0, next.y - ROW_HEIGHT) : 0}px)`;
    this.draw(this.step, factsOf(this.step, row.seq, state));
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

function factsOf(step: RunStep, seq: number, { isStale, progress, now }: Steps): string {
  const { name, attempts, maxAttempts } = step;
  const attempt = attempts.length > 1 && attempts.findLast(({ firstSeq }) => firstSeq !== null && firstSeq <= seq);
  const shown = attempt || step;
  const { status, startedAt, finishedAt } = shown;
  const took = finishedAt === null ? null : elapsed(shown, finishedAt);
  const spent = status === 'running' ? ` for ${formatElapsed(elapsed(shown, now) ?? 0)}` : '';
  return [
    attempt ? `attempt ${attempt.number} of ${maxAttempts}` : '',
    startedAt === null ? '' : `started ${formatLogTime(startedAt).replace(/\.\d+/, '')}`,
    took === null ? `${isStale ? 'was ' : ''}${status}${spent}` : `${status} after ${formatDuration(took)}`,
    progress?.step === name && finishedAt === null ? formatProgress(progress) : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

/** `34 / 194 ▓▓░░░░░░░░` */
function formatProgress({ current, total }: NonNullable<Steps['progress']>): string {
  const done = total ? Math.min(10, completedParts(current / total, 10)) : 0;
  return `${formatCount(current)} / ${formatCount(total)} ${'▓'.repeat(done)}${'░'.repeat(10 - done)}`;
}
