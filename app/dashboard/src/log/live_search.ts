/** Finds the records of a stream in which a text ends, as the service does: in the visible text of whole lines. */
import type { LogRecord } from '../api/mapping';
import { stripEscapes } from './ansi';
import { fold } from './finding';
import { TerminalLine, isRedrawn } from './terminal_line';

/** How much of a line that continues in the next record is searched together with it. */
const MAX_LINE = 4096;

export class LiveSearch {
  private readonly text: string;
  /** The lines that continue in the next record, by step and stream. */
  private readonly unfinished = new Map<string, string>();

  constructor(text: string) {
    this.text = fold(text);
  }

  /** Takes the records in order. */
  endsIn(record: LogRecord): boolean {
    const key = `${record.stream} ${record.step}`;
    if (record.event === 'step') this.forget(record.step);
    const before = record.event === null ? (this.unfinished.get(key) ?? '') : '';
    if (record.event === null) this.unfinished.delete(key);
    const line = before + record.message;
    if (record.partial) this.unfinished.set(key, line.slice(-MAX_LINE));
    const [shown, earlier] = [fold(visibleText(line)), fold(visibleText(before))];
    // What ends before this record was found in an earlier one.
    return shown.includes(this.text, shown.startsWith(earlier) ? earlier.length - this.text.length + 1 : 0);
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
