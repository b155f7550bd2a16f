/**
 * Components that the first paint does not need: loaded on demand, or when the browser is idle. The login dialog is not
 * among them, because nothing can be loaded after a session has expired.
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
  cancel: () => import('./CancelDialog.svelte'),
  palette: () => import('./CommandPalette.svelte'),
  help: () => import('./HelpDialog.svelte'),
} as const;

/** Loads all of them, so that dialogs open even if the service is unreachable. Waits, to let the page load first. */
export function loadWhenIdle(): void {
  const load = (): void => Object.values(lazy).forEach((one) => void one().catch(() => undefined));
  setTimeout(() => ('requestIdleCallback' in window ? requestIdleCallback(load, { timeout: 3000 }) : load()), 1500);
}
