/** Which rows of a timeline are shown, so that a run of any number of steps leaves room for its log. */
import type { Bar } from './bars';

/** What stands for a group of steps: the first of these that one of them has. */
const BY_WEIGHT = ['failed', 'interrupted', 'cancelled', 'cancelling', 'running', 'waiting', 'completed'] as const;

export interface GanttRows {
  /** Those before the steps that are shown, as one row; empty if all are shown. */
  readonly before: readonly Bar[];
  readonly shown: readonly Bar[];
  readonly after: readonly Bar[];
}

/** The step that runs or that stopped the run, or else the longest one. */
export function focusOf(bars: readonly Bar[]): number {
  const found = bars.findIndex(({ state }) => state !== 'completed' && state !== 'skipped');
  if (found >= 0) return found;
  const lengths = bars.map(({ from, upTo }) => upTo - from);
  return lengths.indexOf(Math.max(...lengths));
}

/** At most `limit` rows: the steps around `focus`, and one row each for those before and after. */
export function rowsOf(bars: readonly Bar[], focus: number, limit: number): GanttRows {
  const count = bars.length;
  if (count <= limit) return { before: [], shown: bars, after: [] };
  let from = focus - Math.floor((limit - 2) / 2);
  let upTo = from + limit - 2;
  // A row that stood for a single step would save nothing.
  if (from <= 1) [from, upTo] = [0, limit - 1];
  else if (upTo >= count - 1) [from, upTo] = [count - limit + 1, count];
  return { before: bars.slice(0, from), shown: bars.slice(from, upTo), after: bars.slice(upTo) };
}

/** Several steps as the bar of one. */
export function foldBars(bars: readonly Bar[]): Bar {
  const [first, last] = [bars[0]!, bars[bars.length - 1]!];
  const state = BY_WEIGHT.find((one) => bars.some((bar) => bar.state === one)) ?? first.state;
  const started = bars.filter(({ step }) => step.startedAt !== null);
  const [from, upTo] = [started[0]?.from ?? first.from, started[started.length - 1]?.upTo ?? first.upTo];
  return {
    ...(started[0] ?? first),
    state,
    upTo,
    noticedAt: null,
    parts: started.length ? [{ state, from, upTo }] : [],
    usualEnd: bars.every(({ usualEnd }) => usualEnd !== null) ? last.usualEnd : null,
    expectedEnd: last.expectedEnd,
    isExpected: first.isExpected && last.isExpected,
    isMarked: false,
  };
}
