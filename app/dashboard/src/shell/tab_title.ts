/** The tab's title and icon show the status of the run, so that it is visible from other tabs. */
import type { Run } from '../api/mapping';
import type { Route } from '../state/routes';
import { type Medians, completedParts, shareDone } from '../runs/timing';
import { formatClock } from '../runs/format';
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
/** For queued and skipped, for no run, and for unknown statuses. */
const NEUTRAL = '#8c959f';
const SIGNS: Partial<Record<DisplayStatus, string>> = { completed: '✓', failed: '✕', cancelled: '⊘', interrupted: '⚠' };

/** The title of a run's page, which begins with the run's status. */
export function titleOf(run: Run, medians: Medians, now: number): string {
  const state = displayStatus(run);
  const share = state === 'running' ? shareDone(run, medians, now) : null;
  const sign = share !== null ? `${completedParts(share, 100)} %` : (SIGNS[state] ?? state);
  return `${sign} · ${run.project} #${run.id}`;
}

/** The title of any other page. It names the page: the title is how people tell tabs apart. */
export function titleOfPage(route: Route, running: number): string {
  const prefix = running ? `${running} running · ` : '';
  switch (route.page) {
    case 'overview':
      return `${prefix}Solorun`;
    case 'runs':
      return `${prefix}All runs · Solorun`;
    case 'resources':
      return 'Resources · Solorun';
    case 'workers':
      return 'Workers · Solorun';
    case 'schedules':
      return 'Schedules · Solorun';
    case 'notifications':
      return 'Notifications · Solorun';
    case 'project':
      return `${route.project} · Solorun`;
    case 'artifact':
      return `${route.name} · ${route.project} #${route.runId}`;
    case 'compare':
      return `Compare #${route.a} and #${route.b} · Solorun`;
    case 'unknown':
      return 'Page not found · Solorun';
    default:
      return `#${route.runId} · Solorun`;
  }
}

/** The title while the service is unreachable. */
export const staleTitleOf = (run: Run, asOf: number): string =>
  `as of ${formatClock(asOf)} · ${run.project} #${run.id}`;

/** A ring that closes as the run progresses. */
export function iconOf(state: DisplayStatus | 'none', share: number | null): string {
  const circumference = 2 * Math.PI * 6;
  const done = share === null ? circumference : circumference * share;
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
