/** The command of a step, which the record that the step has started carries. */
import type { LogRecord } from '../api/mapping';

/** The first command in records of one step. Null for functions, and in logs of versions that did not record it. */
export function commandIn(records: readonly LogRecord[]): string | null {
  const command = records.find(({ event, data }) => event === 'step' && typeof data?.['command'] === 'string');
  return (command?.data?.['command'] as string | undefined) ?? null;
}
