/** What the view asks of a log. */
import type { EventName, LogPage } from '../api/mapping';

export interface LogQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit?: number;
  readonly scan?: number;
  readonly context?: number;
  readonly step?: string;
  readonly attempt?: number;
  readonly level?: string;
  readonly stream?: string;
  readonly q?: string;
  readonly match_case?: string;
  readonly whole_word?: string;
  readonly regex?: string;
  readonly event?: readonly EventName[];
}
export type ReadLog = (query: LogQuery, signal: AbortSignal) => Promise<LogPage>;

/** A page to request. Both bounds are exclusive; without `after`, it is the last page before `before`. */
export interface PageRequest {
  readonly after?: number;
  readonly before: number;
}
