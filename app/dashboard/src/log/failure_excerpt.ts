/**
 * The most informative lines of a failed step: its whole last traceback with what caused it, or else its last errors and,
 * if there are few, its last lines of output.
 */
import type { LogRecord } from '../api/mapping';

const MAX_RECORDS = 6;
const FEW = 3;

/** Also that of an exception group, which has a margin. */
const TRACEBACK = /^[ |+]*(?:Exception Group )?Traceback \(most recent call last\):/;
/** Precedes a traceback that belongs to the one before. */
const CONTINUATION = /^(?:During handling of|The above exception was)|^[ |]*\+[-+]/;

/** `errors` and `all` are the ends of the step's log, oldest first. Events and blank lines are skipped. */
export function failureExcerpt(errors: readonly LogRecord[], all: readonly LogRecord[]): LogRecord[] {
  const output = all.filter(isOutput);
  const traceback = tracebackIn(output);
  if (traceback.length) return traceback;
  const worst = errors.filter(isOutput).slice(-MAX_RECORDS);
  if (worst.length >= FEW) return worst;
  const known = new Set(worst.map((record) => record.seq));
  const others = output.filter((record) => !known.has(record.seq)).slice(worst.length - MAX_RECORDS + 1);
  return [...worst, ...others].sort((a, b) => a.seq - b.seq);
}

/** The lines of the last traceback's stream, from the start of its root cause. */
function tracebackIn(output: readonly LogRecord[]): LogRecord[] {
  const last = output.findLast(({ message }) => TRACEBACK.test(message));
  if (!last) return [];
  const lines = output.filter(({ stream }) => stream === last.stream);
  let start = lines.indexOf(last);
  while (start > 0 && CONTINUATION.test(lines[start - 1]!.message))
    start = lines.slice(0, start).findLastIndex(({ message }) => TRACEBACK.test(message));
  return lines.slice(Math.max(0, start));
}

const isOutput = ({ event, message }: LogRecord): boolean => event === null && message.trim() !== '';
