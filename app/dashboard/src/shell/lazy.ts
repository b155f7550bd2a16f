/**
 * What the first sight does without: loaded when wanted, or when the browser has nothing else to do. (Not the login:
 * where a session has ended, nothing is loaded any more.)
 */
export const lazy = {
  run: () => import('../pages/RunPage.svelte'),
  project: () => import('../pages/ProjectPage.svelte'),
  runs: () => import('../pages/RunsPage.svelte'),
  artifact: () => import('../pages/ArtifactPage.svelte'),
  compare: () => import('../pages/ComparePage.svelte'),
  artifacts: () => import('../components/ArtifactList.svelte'),
  parameters: () => import('../components/ParameterList.svelte'),
  events: () => import('../components/EventList.svelte'),
  start: () => import('./StartDialog.svelte'),
  stop: () => import('./StopDialog.svelte'),
  palette: () => import('./CommandPalette.svelte'),
  help: () => import('./HelpDialog.svelte'),
} as const;

/** So that a dialog also opens when the service is out of reach. Not at once: what is in sight comes first. */
export function loadWhenIdle(): void {
  const load = (): void => Object.values(lazy).forEach((one) => void one().catch(() => undefined));
  setTimeout(() => ('requestIdleCallback' in window ? requestIdleCallback(load, { timeout: 3000 }) : load()), 1500);
}
