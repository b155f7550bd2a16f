/** The ticks of a time axis. */
const STEPS: readonly number[] = [
  250, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 150e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 14400e3,
  21600e3, 43200e3, 86400e3,
];

/** At most six round times from 0, of which the last is not before `end`, nor before a second. */
export function ticksUpTo(end: number): number[] {
  end = Math.max(1000, end);
  const step = STEPS.find((candidate) => end / candidate <= 4.6) ?? Math.ceil(end / 4 / 86400e3) * 86400e3;
  return Array.from({ length: Math.ceil(end / step) + 1 }, (_, i) => i * step);
}

/**
 * The end of the axis of a run that has ended: when it usually ends, or when its end was noticed. Next to hours, a run that
 * ended early would be a dot. If nothing is known of the run itself, that is all there is to show.
 */
export const axisOfEnded = (spent: number, usual: number, noticed: number): number =>
  Math.max(spent, Math.min(noticed, 10_000), Math.min(Math.max(usual, noticed), 4 * spent || Infinity));
