/** Parameters of earlier runs, as values for another start. */
import type { Run } from '../api/mapping';

/** What the service shows in place of a secret. */
const MASK = '***';

/** Whether the service hides this value or a part of it. It cannot be sent again: the run would get the mask. */
export const isMasked = (value: string | undefined): boolean => value?.includes(MASK) ?? false;

/** The values of a start: a field that is left empty does not set its parameter. */
export const withoutEmpty = (params: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(params).filter(([, value]) => value !== ''));

/** The values that differ from those of a run, or that it does not have because they are secret. */
export const changedParams = (
  params: Readonly<Record<string, string>>,
  run: Pick<Run, 'params'>,
): Record<string, string> =>
  Object.fromEntries(Object.entries(params).filter(([name, value]) => value !== (run.params[name] ?? '')));
