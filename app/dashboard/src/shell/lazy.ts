const dialogs = () => import('./all_dialogs');

/**
 * Components that the first paint does not need: loaded on demand, or when the browser is idle. The login dialog is not
 * among them, because nothing can be loaded after a session has expired.
 */
export const lazy = {
  run: () => import('../pages/RunPage.svelte'),
  firstRun: () => import('../components/FirstRun.svelte'),
  project: () => import('../pages/ProjectPage.svelte'),
  runs: () => import('../pages/RunsPage.svelte'),
  resources: () => import('../pages/ResourcesPage.svelte'),
  workers: () => import('../pages/WorkersPage.svelte'),
  schedules: () => import('../pages/SchedulesPage.svelte'),
  notifications: () => import('../pages/NotificationsPage.svelte'),
  artifact: () => import('../pages/ArtifactPage.svelte'),
  compare: () => import('../pages/ComparePage.svelte'),
  artifacts: () => import('../components/ArtifactList.svelte'),
  summary: () => import('../components/RunSummary.svelte'),
  parameters: () => import('../components/ParameterList.svelte'),
  events: () => import('../components/EventList.svelte'),
  choices: async () => ({ default: (await dialogs()).ConflictChoices }),
  start: async () => ({ default: (await dialogs()).StartDialog }),
  rerun: async () => ({ default: (await dialogs()).RerunDialog }),
  cancel: async () => ({ default: (await dialogs()).CancelDialog }),
  palette: async () => ({ default: (await dialogs()).CommandPalette }),
  help: async () => ({ default: (await dialogs()).HelpDialog }),
} as const;

/** The dialogs open even if the service is unreachable, and a run is what people open next. */
const LIKELY = [dialogs, lazy.run];

let isLoaded = false;

/**
 * Loads what is likely to be needed. Waits, to let the page load first, and loads nothing if the session has
 * expired: Firefox never requests a module again that was refused.
 */
export function loadWhenIdle(): void {
  if (isLoaded) return;
  const load = async (): Promise<void> => {
    const { ok } = await fetch(import.meta.url, { method: 'HEAD', cache: 'no-store' });
    if (!ok) return;
    await Promise.all(LIKELY.map((one) => one()));
    isLoaded = true;
  };
  const begin = (): void => void load().catch(() => undefined);
  setTimeout(() => ('requestIdleCallback' in window ? requestIdleCallback(begin, { timeout: 3000 }) : begin()), 1500);
}
