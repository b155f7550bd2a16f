/** Where due times and their runs are on the line of a day, and what went wrong in it. */
import { type Firing, MAX_FIRINGS, MAX_STARTS, type Schedule } from '../api/schedules';
import { formatClock, hourOf } from './format';

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A bar is at least this wide, in percent of the line. */
const MIN_WIDTH = 0.4;

/** A run, or a due time without one. `left` and `width` are in percent of the line. */
export interface Mark {
  readonly left: number;
  readonly width: number;
  /** The class that colours it: the status of a run, or the outcome of a due time without a run. */
  readonly state: string;
  readonly isLate: boolean;
  readonly title: string;
  readonly project: string;
  readonly runId: number | null;
}

export interface Row {
  readonly schedule: string;
  readonly marks: readonly Mark[];
}

/** The full hours of the line, one for each `step` hours. */
export function hoursOf(from: number, step: number): { left: number; label: string }[] {
  const hours = [];
  const first = new Date(from).setMinutes(60, 0, 0);
  for (let time = first; time < from + DAY_MS; time += HOUR_MS)
    if (hourOf(time) % step === 0) hours.push({ left: placeOf(time, from), label: formatClock(time) });
  return hours;
}

/** The last day: a row for each schedule that something was due for, in the order of the schedules. */
export function pastRows(firings: readonly Firing[], order: readonly string[], now: number): Row[] {
  const rows = new Map<string, Mark[]>(order.map((id) => [id, []]));
  for (const firing of firings) {
    const marks = rows.get(firing.schedule) ?? [];
    rows.set(firing.schedule, marks);
    const start = firing.startedAt ?? firing.dueAt;
    const end = firing.startedAt === null ? start : (firing.finishedAt ?? now);
    marks.push({
      ...boundsOf(start, end, now - DAY_MS),
      state: stateOf(firing),
      isLate: firing.isLate,
      title: `${firing.schedule}, ${firing.isManual ? 'started' : 'due'} ${formatClock(firing.dueAt)}: ${describe(firing)}`,
      project: firing.project,
      runId: linkedRun(firing),
    });
  }
  return [...rows].filter(([, marks]) => marks.length).map(([schedule, marks]) => ({ schedule, marks }));
}

/** The next day: a row for each schedule that is due in it. The bars are as long as runs usually take. */
export function comingRows(schedules: readonly Schedule[], now: number): Row[] {
  return schedules
    .map((schedule) => ({
      schedule: schedule.id,
      marks: schedule.nextStarts
        .filter((start) => start < now + DAY_MS)
        .map((start) =>
          comingMark(schedule, 'expected', formatClock(start), start, start + (schedule.estimatedMs ?? 0), now),
        )
        .concat(unlistedStarts(schedule, now)),
    }))
    .filter(({ marks }) => marks.length);
}

/** The rest of the day of a schedule that starts more often than the API lists. */
function unlistedStarts(schedule: Schedule, now: number): Mark[] {
  const last = schedule.nextStarts[MAX_STARTS - 1];
  if (last === undefined || last >= now + DAY_MS) return [];
  const title = `starts after ${formatClock(last)} are not listed`;
  return [comingMark(schedule, 'unlisted', title, last, now + DAY_MS, now)];
}

function comingMark(schedule: Schedule, state: string, what: string, start: number, end: number, now: number): Mark {
  const title = `${schedule.id}, ${what}`;
  return { ...boundsOf(start, end, now), state, isLate: false, title, project: schedule.project, runId: null };
}

/** The run that a link can lead to. */
export const linkedRun = ({ runId, isRunDeleted }: Firing): number | null => (isRunDeleted ? null : runId);

/** The firings that need attention, newest first. */
export const problemsOf = (firings: readonly Firing[]): Firing[] =>
  firings.filter((firing) => firing.isLate || ['failed', 'interrupted', 'missed', 'refused'].includes(stateOf(firing)));

/** What became of a firing: `completed`, `completed, manual`, `failed, late`, `refused: …`. */
export function describe(firing: Firing): string {
  const late = firing.isLate ? ', late' : '';
  const manual = firing.isManual ? ', manual' : '';
  if (firing.outcome === 'started' || firing.outcome === 'joined')
    return `${firing.status ?? firing.outcome}${manual}${late}${firing.isRunDeleted ? ' (deleted)' : ''}`;
  return `${firing.outcome}${late}${firing.reason ? `: ${firing.reason}` : ''}`;
}

/** `12 due times and 1 manual run: 2 problems.` */
export function summarize(firings: readonly Firing[]): string {
  const oldest = firings.at(-1);
  if (!oldest) return 'Nothing was due.';
  const problems = problemsOf(firings).length;
  const manual = firings.filter((firing) => firing.isManual).length;
  const counts = [count(firings.length - manual, 'due time'), count(manual, 'manual run')];
  const all = counts.filter((text) => !text.startsWith('0 ')).join(' and ');
  const listed = firings.length < MAX_FIRINGS ? all : `The newest ${all}, since ${formatClock(oldest.dueAt)}`;
  return `${listed}: ${problems ? count(problems, 'problem') : 'no problems'}.`;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

const stateOf = ({ outcome, status }: Firing): string =>
  outcome === 'started' || outcome === 'joined' ? (status ?? 'skipped') : outcome;

const placeOf = (time: number, from: number): number => ((time - from) / DAY_MS) * 100;

function boundsOf(start: number, end: number, from: number): { left: number; width: number } {
  const left = Math.min(100 - MIN_WIDTH, Math.max(0, placeOf(start, from)));
  return { left, width: Math.min(100 - left, Math.max(MIN_WIDTH, placeOf(end, from) - left)) };
}
