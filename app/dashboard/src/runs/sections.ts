/** The sections of the overview, and when a project moves from one to another. */
import type { Run } from '../api/mapping';
import { holdsProject } from './status';

export const SECTIONS = ['running', 'attention', 'others'] as const;
export type Section = (typeof SECTIONS)[number];

/** For so long, a project must belong elsewhere, and the list must not be in use, before the project moves. */
export const SETTLE_MS = 3000;

/** Where a project is shown, and since when it has belonged to another section, or null. */
export interface Place {
  readonly section: Section;
  readonly since: number | null;
}

export const isFailure = (run: Run | undefined): run is Run =>
  run?.status === 'failed' || run?.status === 'interrupted';

/** `seen` is the id of the project's last failed run that the user has marked as seen. */
export function sectionOf(run: Run | undefined, seen: number | undefined): Section {
  if (run && (holdsProject(run.status) || run.status === 'queued')) return 'running';
  return isFailure(run) && run.id !== seen ? 'attention' : 'others';
}

/**
 * The places of the projects now. A new project is placed at once. Nothing moves while the list `isHeld`, by the pointer
 * or the focus: a button would become another project's. If nothing has changed, the result is `places` itself.
 */
export function settle(
  places: ReadonlyMap<string, Place>,
  wanted: ReadonlyMap<string, Section>,
  now: number,
  isHeld: boolean,
): ReadonlyMap<string, Place> {
  const next = new Map([...wanted].map(([name, section]) => [name, move(places.get(name), section, now, isHeld)]));
  const isSame = next.size === places.size && [...next].every(([name, place]) => places.get(name) === place);
  return isSame ? places : next;
}

function move(place: Place | undefined, section: Section, now: number, isHeld: boolean): Place {
  if (!place) return { section, since: null };
  if (place.section === section) return place.since === null ? place : { section, since: null };
  if (place.since === null || isHeld) return { ...place, since: now };
  return now - place.since >= SETTLE_MS ? { section, since: null } : place;
}
