/**
 * What the first sight does without: loaded when wanted, or when the browser has nothing else to do. (Not the login:
 * where a session has ended, nothing is loaded any more.)
 */
export const later = {
  run: () => import('../pages/RunPage.svelte'),
  project: () => import('../pages/ProjectPage.svelte'),
  runs: () => import('../pages/RunsPage.svelte'),
  artifact: () => import('../pages/ArtifactPage.svelte'),
  compare: () => import('../pages/ComparePage.svelte'),
  artifacts: () => import('../parts/ArtifactList.svelte'),
  parameters: () => import('../parts/ParameterList.svelte'),
  events: () => import('../parts/EventList.svelte'),
  start: () => import('./StartDialog.svelte'),
  stop: () => import('./StopDialog.svelte'),
  palette: () => import('./Palette.svelte'),
  help: () => import('./HelpSheet.svelte'),
} as const;

/** So that a dialog also opens when the service is out of reach. Not at once: what is in sight comes first. */
export function loadLater(): void {
  const load = (): void => Object.values(later).forEach((one) => void one().catch(() => undefined));
  setTimeout(() => ('requestIdleCallback' in window ? requestIdleCallback(load, { timeout: 3000 }) : load()), 1500);
}
