/** Reads the text of a range of lines. Does no more than a clipboard can take. */
import type { LogRecord } from '../api/mapping';
import { stripEscapes } from './ansi';
import type { LineRange } from './filters';
import type { ReadLog } from './log_model';
import { rowText, toRows } from './rows';

export const MAX_COPIED = 20_000;
const PAGE = 1000;

export interface CopiedLines {
  readonly text: string;
  /** Whether records of the range are missing, because it has more than `MAX_COPIED`. */
  readonly isCut: boolean;
}

export async function readLines(read: ReadLog, range: LineRange, signal: AbortSignal): Promise<CopiedLines> {
  const records: LogRecord[] = [];
  let after = range.from - 1;
  let isEnd = false;
  while (!isEnd && after < range.upTo && records.length < MAX_COPIED) {
    const limit = Math.min(PAGE, MAX_COPIED - records.length);
    const page = await read({ after, before: range.upTo + 1, limit }, signal);
    records.push(...page.records);
    isEnd = page.records.length < limit;
    after = page.records[page.records.length - 1]?.seq ?? range.upTo;
  }
  const text = toRows(records)
    .map((row) => stripEscapes(rowText(row)))
    .join('\n');
  return { text, isCut: !isEnd && after < range.upTo };
}
