/** The most informative lines of a failed step: its last errors and, if there are few, its last lines of output. */
import type { LogRecord } from '../api/mapping';

const MAX_RECORDS = 6;
const FEW = 3;

/** `errors` and `all` are the ends of the step's log, oldest first. Events and blank lines are skipped. */
export function failureExcerpt(errors: readonly LogRecord[], all: readonly LogRecord[]): LogRecord[] {
  const worst = errors.filter(isOutput).slice(-MAX_RECORDS);
  if (worst.length >= FEW) return worst;
  const known = new Set(worst.map((record) => record.seq));
  const others = all
    .filter((record) => isOutput(record) && !known.has(record.seq))
    .slice(worst.length - MAX_RECORDS + 1);
  return [...worst, ...others].sort((a, b) => a.seq - b.seq);
}

const isOutput = ({ event, message }: LogRecord): boolean => event === null && message.trim() !== '';
