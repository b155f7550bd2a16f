/** What a step that failed said last: its errors first of all, and where they are few, what stood before its end. */
import type { LogRecord } from '../api/mapping';

const MAX_RECORDS = 6;
const FEW = 3;

/** `errors` and `all` are the ends of the step's log, oldest first. What it says of itself (steps, progress) is left out. */
export function failureExcerpt(errors: readonly LogRecord[], all: readonly LogRecord[]): LogRecord[] {
  const worst = errors.filter(isSaid).slice(-MAX_RECORDS);
  if (worst.length >= FEW) return worst;
  const known = new Set(worst.map((record) => record.seq));
  const others = all.filter((record) => isSaid(record) && !known.has(record.seq)).slice(worst.length - MAX_RECORDS + 1);
  return [...worst, ...others].sort((a, b) => a.seq - b.seq);
}

const isSaid = ({ event, message }: LogRecord): boolean => event === null && message.trim() !== '';
