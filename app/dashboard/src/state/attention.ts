/** The failures that the user has marked as seen: they need no more attention, and nothing is red for them. */
import type { Run } from '../api/mapping';
import { isFailure, sectionOf } from '../runs/sections';
import { type DisplayStatus, displayStatus } from '../runs/status';
import { preferences } from './preferences.svelte';

export const isSeen = (run: Run): boolean => preferences.seen[run.project] === run.id;

export const needsAttention = (run: Run | undefined): boolean =>
  sectionOf(run, run && preferences.seen[run.project]) === 'attention';

/** What the dot of a project shows. */
export const dotOf = (run: Run | undefined): DisplayStatus | 'none' =>
  !run || (isFailure(run) && isSeen(run)) ? 'none' : displayStatus(run);
