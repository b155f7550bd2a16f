/** The way to the next record of a kind, such as an error, among those that pass the filters. */
import type { LogRecord } from '../api/mapping';
import type { LogModel } from './log_model';
import type { LogQuery } from './log_query';

/** A search for a text would otherwise read the whole log, to count what it finds. */
const SCAN = 300_000;

export class NextRecord {
  private request = new AbortController();

  constructor(private readonly model: () => LogModel) {}

  /** From `seq` on (exclusive). Undefined if there is none, or if another call has followed. */
  async find(seq: number, direction: 1 | -1, kind: LogQuery): Promise<LogRecord | undefined> {
    this.request.abort();
    const { signal } = (this.request = new AbortController());
    const model = this.model();
    const part = model.filters.text && { scan: SCAN };
    let found: LogRecord | undefined;
    for (let at: number | null = seq; at !== null && !found;) {
      const bound = direction > 0 ? { after: at } : { before: at };
      const page = await model.query({ ...bound, ...kind, limit: 1, ...part }, signal);
      [found] = page.records;
      at = part ? page.next : null;
    }
    return found;
  }
}
