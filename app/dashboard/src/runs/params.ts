/** Parameters of earlier runs, as values for another start. */
import type { Run } from '../api/mapping';

/** What the service shows in place of a secret. */
const MASK = '***';

/** Whether the service hides this value or a part of it. It cannot be sent again: the run would get the mask. */
export const isMasked = (value: string | undefined): boolean => value?.includes(MASK) ?? false;

export const hasMasked = (params: Run['params']): boolean => Object.values(params).some(isMasked);
