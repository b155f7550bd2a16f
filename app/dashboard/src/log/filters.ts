/** Log filters, and how an address encodes them: `?step=translate&attempt=2&stream=stderr&level=warning&q=x&only#L123-L130`. */
import { LEVELS, type Level, type LogRecord, type RunStep } from '../api/mapping';
import type { TextFinder } from './finding';

export interface Filters {
  readonly step: string | null;
  /** One attempt of the step; without it, all are shown. */
  readonly attempt?: AttemptRange | null;
  /** The minimum level; null shows all. */
  readonly level: Level | null;
  readonly stream: Stream | null;
  /** Text that a line must contain; null shows all. Takes whole lines: see `LiveSearch`. */
  readonly text: TextFinder | null;
}

export const STREAMS = ['stdout', 'stderr', 'solorun', 'step'] as const;
export type Stream = (typeof STREAMS)[number];

/** An attempt, and the seqs of its records. `lastSeq` is null while it is running. */
export interface AttemptRange {
  readonly number: number;
  readonly firstSeq: number;
  readonly lastSeq: number | null;
}

/** Marked lines; `from` equals `upTo` for a single line. */
export interface LineRange {
  readonly from: number;
  readonly upTo: number;
}

export const isFiltered = (filters: Filters): boolean =>
  filters.step !== null || filters.level !== null || filters.stream !== null || filters.text !== null;

/** Whether a record passes the filters other than that by text. */
export function passes(record: LogRecord, filters: Filters): boolean {
  if (filters.step !== null && record.step !== filters.step) return false;
  if (filters.attempt && !isWithin(record.seq, filters.attempt)) return false;
  if (filters.stream !== null && record.stream !== filters.stream) return false;
  return filters.level === null || LEVELS.indexOf(record.level) >= LEVELS.indexOf(filters.level);
}

const isWithin = (seq: number, { firstSeq, lastSeq }: AttemptRange): boolean =>
  firstSeq <= seq && (lastSeq === null || seq <= lastSeq);

/** The attempt of a step that an address names, if the step has had it. */
export function parseAttempt(text: string | null, step: RunStep | undefined): AttemptRange | null {
  const attempt = step?.attempts.find(({ number }) => String(number) === text);
  return attempt ? { number: attempt.number, firstSeq: attempt.firstSeq ?? 0, lastSeq: attempt.lastSeq } : null;
}

export function parseLines(hash: string): LineRange | null {
  const match = /^#?L(\d{1,15})(?:-L?(\d{1,15}))?$/.exec(hash);
  if (!match) return null;
  const [from, upTo] = [Number(match[1]), Number(match[2] ?? match[1])];
  return from <= upTo ? { from, upTo } : { from: upTo, upTo: from };
}

export const formatLines = ({ from, upTo }: LineRange): string => (from === upTo ? `#L${from}` : `#L${from}-L${upTo}`);

export function parseLevel(text: string | null): Level | null {
  return LEVELS.find((level) => level === text) ?? null;
}

export function parseStream(text: string | null): Stream | null {
  return STREAMS.find((stream) => stream === text) ?? null;
}
