/**
 * The most informative lines of a failed step: its whole last traceback with what caused it, or else what follows the
 * line that is the reason, or else its last errors and, if there are few, its last lines of output.
 */
import type { LogRecord } from '../api/mapping';
import { stripEscapes } from './ansi';

const MAX_RECORDS = 6;
const FEW = 3;

/** Also that of an exception group, which has a margin. */
const TRACEBACK = /^[ |+]*(?:Exception Group )?Traceback \(most recent call last\):/;
/** Precedes a traceback that belongs to the one before. */
const CONTINUATION = /^(?:During handling of|The above exception was)|^[ |]*\+[-+]/;
/** How the command ended, which precedes what it wrote. */
const EXIT_CODE = /^(?:exit code \d+(?: \(.*?\))?|killed by \w+): /;
const CAUSE = / \(caused by .*/;

/** `errors` and `all` are the ends of the step's log, oldest first. Events and blank lines are skipped. */
export function failureExcerpt(errors: readonly LogRecord[], all: readonly LogRecord[], reason = ''): LogRecord[] {
  const output = all.filter((record) => isOutput(record) && !isOwn(record, reason));
  const traceback = tracebackIn(output);
  if (traceback.length) return traceback;
  const explained = linesFrom(output, reason);
  if (explained.length > MAX_RECORDS) return explained;
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

/** The lines of one stream from the one that is the reason, which may have a line above that says where. */
function linesFrom(output: readonly LogRecord[], reason: string): LogRecord[] {
  const found = reasonIn(output, reason);
  if (!found) return [];
  const lines = output.filter(({ stream }) => stream === found.stream);
  const start = lines.indexOf(found);
  return lines.slice(/^\S/.test(lines[start - 1]?.message ?? '') ? start - 1 : start);
}

/** The last line of output that an error message repeats. */
export function reasonIn(records: readonly LogRecord[], reason: string): LogRecord | undefined {
  // Directories, and what would be too long, are left out.
  const parts = reason.replace(EXIT_CODE, '').replace(CAUSE, '').split('…');
  const text = parts.reduce((longest, part) => (part.length > longest.length ? part : longest)).trim();
  if (!text) return undefined;
  return records.findLast(
    (record) => isOutput(record) && !isOwn(record, reason) && collapse(stripEscapes(record.message)).includes(text),
  );
}

const collapse = (text: string): string => text.trim().replace(/\s+/g, ' ');

/** Whether the service itself gave the reason, which stands above the excerpt. */
const isOwn = ({ stream, message }: LogRecord, reason: string): boolean => stream === 'solorun' && message === reason;

export const isOutput = ({ event, message }: LogRecord): boolean => event === null && message.trim() !== '';
