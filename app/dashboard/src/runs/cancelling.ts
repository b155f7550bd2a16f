/** What a cancel waits for, and what came of it, in a sentence. */
import type { Cancel, Run } from '../api/mapping';
import { formatCount, formatDuration, formatElapsed } from './format';
import { hasEnded } from './status';

/** A worker stops a step within moments. Later than this, it may have been lost. */
const SILENT_MS = 5_000;

export interface CancelFacts {
  /** Whether the step has no process that could be killed. */
  readonly isFunction: boolean;
  /** Where the step runs, if that may be another host. */
  readonly host: string | null;
  /** By the service's clock. */
  readonly now: number;
}

/** The step that is being stopped, or that was. */
export const cancelledStepOf = (run: Run): string | null =>
  hasEnded(run.status) ? (run.steps.find(({ status }) => status === 'cancelled')?.name ?? null) : run.currentStep;

/** What is left of the grace in milliseconds: negative when it is over, null before the step was signalled. */
export const graceLeft = ({ signalledAt, graceMs }: Cancel, now: number): number | null =>
  signalledAt === null ? null : signalledAt + (graceMs ?? 0) - now;

/** How many processes a step had when it was signalled; 0 for a function, whose position is a stack. */
export function countProcesses({ position }: Cancel): number {
  const named = position.filter((line) => /^ *\d+ \(/.test(line)).length;
  return named && named + Number(/^and (\d+) more$/.exec(position[position.length - 1]!)?.[1] ?? 0);
}

/** `Its progress was 331 of 600 (epoch).`, by the data of its last report; '' without one. */
export function formatStand(report: Readonly<Record<string, unknown>> | null | undefined): string {
  if (!report) return '';
  const { current, total, item } = report;
  const of = typeof total === 'number' ? ` of ${formatCount(total)}` : '';
  return `Its progress was ${formatCount(Number(current))}${of}${typeof item === 'string' && item ? ` (${item})` : ''}.`;
}

/** `{step}` stands for the name of `cancelledStepOf`. */
export function formatCancel(run: Run, cancel: Cancel, facts: CancelFacts): string {
  const hasStep = cancelledStepOf(run) !== null;
  const left = graceLeft(cancel, facts.now);
  if (hasEnded(run.status))
    return left === null
      ? hasStep
        ? 'Step {step} ended.'
        : 'No step was running.'
      : formatEffect(cancel) + formatLeft(cancel);
  if (left === null || !hasStep) return formatAsked(cancel, facts, hasStep);
  return left > 0 ? formatGrace(cancel, left, facts) : formatOverdue(cancel, left, facts);
}

function formatAsked({ requestedAt }: Cancel, { host, now }: CancelFacts, hasStep: boolean): string {
  if (host === null || now - requestedAt < SILENT_MS)
    return hasStep ? 'Stopping step {step}…' : 'The run ends as soon as no step is running.';
  return `${host} has not ${hasStep ? 'stopped step {step}' : 'ended the run'} yet. If it stays silent, the run is recorded as interrupted.`;
}

function formatGrace({ graceMs }: Cancel, left: number, { isFunction }: CancelFacts): string {
  const after = isFunction ? 'cancelled again every second' : 'killed';
  return `Step {step} has ${formatElapsed(left)} left of its grace period of ${formatDuration(graceMs)}. After that, it is ${after}.`;
}

function formatOverdue({ graceMs }: Cancel, left: number, { isFunction, host }: CancelFacts): string {
  if (host !== null && !isFunction && left < -SILENT_MS)
    return `${host} should have killed step {step} ${formatElapsed(-left)} ago. If it stays silent, the run is recorded as interrupted.`;
  const now = isFunction
    ? 'It is cancelled again every second, and the project stays busy until it ends.'
    : 'It is being killed.';
  return `The grace period of step {step} is over (${formatDuration(graceMs)}). ${now}`;
}

function formatEffect({ effect, graceMs, signalledAt, settledAt }: Cancel): string {
  const took = formatDuration(Math.max(0, (settledAt ?? signalledAt!) - signalledAt!));
  if (effect === 'ignored') return `Step {step} ignored the request, and ended by itself after ${took}.`;
  if (effect !== 'killed') return `Step {step} stopped after ${took}.`;
  const why =
    graceMs === 0 ? 'its grace period was 0 s' : `it did not end within its grace period of ${formatDuration(graceMs)}`;
  return `Step {step} was killed after ${took}, because ${why}.`;
}

/** A run is cancelled only after the processes of its step have ended. */
function formatLeft(cancel: Cancel): string {
  const count = countProcesses(cancel);
  return count > 1 ? ` All of its ${count} processes have ended.` : count ? ' Its process has ended.' : '';
}
