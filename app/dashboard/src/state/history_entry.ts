/**
 * Brings the reader back to the place where they left a page. Each entry of the tab's history has a key, under which its
 * place is kept for as long as the tab: after Back, the entry that was left can no longer be changed.
 */
import type { LogPlace } from '../log/log_view_events';

/** The scroll position of the page, the place in the log, and how far lists of runs and artifacts were read. */
export interface Place {
  readonly scrollY?: number;
  readonly log?: LogPlace;
  readonly rows?: number;
  readonly artifactPages?: number;
}

const STORAGE_KEY = 'solorun places';
const MAX_PLACES = 100;

/** By entry; the place that was kept last is the last one. */
const places = new Map<string, Place>(readPlaces());
const parts = new Set<() => Place>();
/** While the page is too short for its kept position. */
let restoring: AbortController | null = null;
let entry = keyOfEntry();

/** The place in the current entry. */
export const keptPlace = (): Place => places.get(entry) ?? {};

/** Adds a part of the place that is kept when the page is left. Returns a function that removes it. */
export function keepWhileShown(part: () => Place): () => void {
  parts.add(part);
  return () => void parts.delete(part);
}

/** Adds an entry to the history. With `isSamePlace`, it begins where the reader is. */
export function pushEntry(address: string, isSamePlace = false): void {
  keepPlace();
  const place = keptPlace();
  history.pushState(null, '', address);
  entry = keyOfEntry();
  if (isSamePlace) places.set(entry, place);
  else endRestoring();
}

/** Call when the history has moved to another entry, and the page still shows the one before. */
export function changeEntry(): void {
  keepPlace();
  entry = keyOfEntry();
}

function keepPlace(): void {
  const scroll = restoring ? {} : { scrollY };
  const place = Object.assign({ ...keptPlace(), ...scroll }, ...[...parts].map((part) => part())) as Place;
  places.delete(entry);
  places.set(entry, place);
  for (const oldest of [...places.keys()].slice(0, -MAX_PLACES)) places.delete(oldest);
}

function keyOfEntry(): string {
  const known = (history.state as { readonly entry?: string } | null)?.entry;
  if (known !== undefined) return known;
  const key = `${Date.now()} ${Math.random()}`;
  history.replaceState({ entry: key }, '');
  return key;
}

function readPlaces(): [string, Place][] {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '[]') as [string, Place][];
  } catch {
    // The browser allows no storage, or something else is stored there.
    return [];
  }
}

function storePlaces(): void {
  keepPlace();
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify([...places]));
  } catch {
    // A reload begins at the top of the page.
  }
}

/** Scrolls as soon as the page is tall enough again, unless the reader does something else first. */
export function restoreScroll(): void {
  endRestoring();
  const { scrollY: wanted } = keptPlace();
  if (wanted === undefined) return;
  const { signal } = (restoring = new AbortController());
  const observer = new ResizeObserver(() => {
    scrollTo(0, wanted);
    if (Math.abs(scrollY - wanted) < 2) endRestoring();
  });
  signal.addEventListener('abort', () => observer.disconnect());
  for (const type of ['wheel', 'pointerdown', 'keydown']) addEventListener(type, endRestoring, { signal });
  observer.observe(document.body);
}

function endRestoring(): void {
  restoring?.abort();
  restoring = null;
}

// The browser restores the scroll position of a page that is still too short for it.
history.scrollRestoration = 'manual';
addEventListener('pagehide', storePlaces);
