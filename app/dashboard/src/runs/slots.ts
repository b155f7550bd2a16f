/** The slots of a resource, and who holds each. */
import type { Hold, Resource } from '../api/resources';

export interface Slot {
  readonly number: number;
  /** Null if it is free. */
  readonly hold: Hold | null;
}

/** All declared slots, and those that are still held after their declaration was removed. */
export function slotsOf({ slots, holds }: Pick<Resource, 'slots' | 'holds'>): Slot[] {
  const held = new Map(holds.map((hold) => [hold.slot, hold]));
  const numbers = new Set([...Array.from({ length: slots }, (_, number) => number), ...held.keys()]);
  return [...numbers].sort((a, b) => a - b).map((number) => ({ number, hold: held.get(number) ?? null }));
}
