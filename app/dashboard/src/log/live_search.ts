/** Finds the records of a stream in which a text ends, as the service does: in the visible text of whole lines. */
import type { LogRecord } from '../api/mapping';
import { stripEscapes } from './ansi';
import type { TextFinder } from './finding';
import { TerminalLine, isRedrawn } from './terminal_line';

/** How much of a line that continues in the next record is searched together with it. */
const MAX_LINE = 4096;

export class LiveSearch {
  /** The lines that continue in the next record, by step and stream. */
  private readonly unfinished = new Map<string, string>();

  constructor(private readonly text: TextFinder) {}

  /** Takes the records in order. */
  endsIn(record: LogRecord): boolean {
    const key = `${record.stream} ${record.step}`;
    if (record.event === 'step') this.forget(record.step);
    const before = record.event === null ? (this.unfinished.get(key) ?? '') : '';
    if (record.event === null) this.unfinished.delete(key);
    const line = before + record.message;
    if (record.partial) this.unfinished.set(key, line.slice(-MAX_LINE));
    // What ends before this record was found in an earlier one.
    return this.text.endsIn(visibleText(line), visibleText(before));
  }

  private forget(step: string | null): void {
    for (const key of this.unfinished.keys()) if (key.endsWith(` ${step}`)) this.unfinished.delete(key);
  }
}

function visibleText(text: string): string {
  if (!isRedrawn(text)) return stripEscapes(text);
  const line = new TerminalLine();
  line.write(text);
  return stripEscapes(line.text);
}
