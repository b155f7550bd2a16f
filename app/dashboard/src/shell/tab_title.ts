/** A tab's title and icon carry the state of what it shows, so that one sees it among other tabs. */
import type { Run } from '../api/mapping';
import { type Medians, completedParts, shareDone } from '../runs/timing';
import { type DisplayStatus, displayStatus } from '../runs/status';

const COLOURS: Readonly<Record<string, string>> = {
  running: '#2f7cf6',
  pending: '#2f7cf6',
  waiting: '#2f7cf6',
  cancelling: '#bf8700',
  completed: '#2da44e',
  failed: '#e5484d',
  interrupted: '#bf8700',
  cancelled: '#8c959f',
};
/** Queued, skipped, nothing at all, and what a newer service may send. */
const NEUTRAL = '#8c959f';
const SIGNS: Partial<Record<DisplayStatus, string>> = { completed: '✓', failed: '✕', cancelled: '⊘', interrupted: '⚠' };

export function titleOf(run: Run, medians: Medians, now: number): string {
  const state = displayStatus(run);
  const share = state === 'running' ? shareDone(run, medians, now) : null;
  const sign = share !== null ? `${completedParts(share, 100)} %` : (SIGNS[state] ?? state);
  return `${sign} · ${run.project} #${run.id}`;
}

/** A ring that closes as the work does. */
export function iconOf(state: DisplayStatus | 'none', share: number | null): string {
  const around = 2 * Math.PI * 6;
  const done = share === null ? around : around * share;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" fill="none" stroke="#8c959f" stroke-opacity=".4" stroke-width="4"/>` +
    `<circle cx="8" cy="8" r="6" fill="none" stroke="${COLOURS[state] ?? NEUTRAL}" stroke-width="4" stroke-dasharray="${done.toFixed(1)} 99" transform="rotate(-90 8 8)"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

let shownIcon = '';

export function showInTab(title: string, icon: string): void {
  document.title = title;
  if (icon === shownIcon) return;
  shownIcon = icon;
  document.querySelector<HTMLLinkElement>('link[rel="icon"]')!.href = icon;
}
