/** The time that a cancelled step has to end, which the service logs when it begins to stop the step. */
import type { LogRecord } from '../api/mapping';

export interface Grace {
  readonly step: string;
  readonly startedAt: number;
  readonly milliseconds: number;
}

const STOPPING = /^stopping .*\(grace ([\w.]+)\)$/;
const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Finds it in the service's own records. */
export function graceIn(records: readonly LogRecord[]): Grace | null {
  const record = records.findLast(({ stream, message }) => stream === 'solorun' && STOPPING.test(message));
  if (!record?.step) return null;
  const parts = STOPPING.exec(record.message)![1]!.matchAll(/([\d.]+)(ms|[dhms])/g);
  const milliseconds = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0);
  return { step: record.step, startedAt: Date.parse(record.time), milliseconds };
}
