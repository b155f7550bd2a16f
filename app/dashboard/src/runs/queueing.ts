/** What queued runs and waiting steps wait for, in words. */
import type { Run, RunStep, Slots } from '../api/mapping';
import { formatBegin } from './format';

type Queued = Pick<Run, 'queuePosition' | 'waitsFor' | 'estimatedStartAt' | 'replaces'>;

const list = new Intl.ListFormat('en');

/** `Number 2 in the queue, begins at about 14:05`, or `Waits for gpu`. */
export function formatWait({ queuePosition, waitsFor, estimatedStartAt, replaces }: Queued, now: number): string {
  const begin = estimatedStartAt === null ? '' : `, ${formatBegin(estimatedStartAt, now)}`;
  if (waitsFor.length) return `Waits for ${list.format(waitsFor)}${begin}`;
  if (replaces !== null) return `Begins when run #${replaces} has stopped`;
  return `Number ${queuePosition ?? 1} in the queue${begin}`;
}

/** `gpu 0, 1`, or '' without slots. */
export const formatSlots = (slots: Slots): string =>
  Object.entries(slots)
    .map(([name, numbers]) => `${name}\u00a0${numbers.join(',\u00a0')}`)
    .join(' · ');

/** The resources that a waiting step waits for. */
export const awaitedBy = ({ resources }: Pick<RunStep, 'resources'>): string => list.format(Object.keys(resources));
