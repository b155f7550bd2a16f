/** The commands in the palette: pages, projects, runs and actions. */
import type { Run } from '../api/mapping';
import { labelOf } from '../runs/format';
import { displayStatus, hasEnded } from '../runs/status';
import { dialogs } from '../state/dialogs.svelte';
import { nextTheme, prefer } from '../state/preferences.svelte';
import { router, toProject, toRun } from '../state/router.svelte';
import { store } from '../state/store.svelte';

export interface Command {
  readonly name: string;
  readonly hint: string;
  readonly act: () => void;
}

const MAX_SHOWN = 40;

function allCommands(): Command[] {
  const projects = store.projects ?? [];
  const runs = [...store.runs.values()].sort((a, b) => b.id - a.id);
  const shown = router.route.page === 'run' ? store.runs.get(router.route.runId) : undefined;
  return [
    ...(shown && !hasEnded(shown.status)
      ? [{ name: `Cancel run #${shown.id}`, hint: 'action', act: () => dialogs.cancel(shown.id) }]
      : []),
    { name: 'Overview', hint: 'page', act: () => router.go('/') },
    { name: 'All runs', hint: 'page', act: () => router.go('/runs') },
    ...projects.map(({ name, title }) => ({
      name: labelOf({ name, title }),
      hint: 'project',
      act: () => router.go(toProject(name)),
    })),
    ...projects.map(({ name }) => ({
      name: `Start ${name}`,
      hint: 'action',
      act: () => dialogs.start(name),
    })),
    ...runs.map((run: Run) => ({
      name: `#${run.id} ${run.project}`,
      hint: displayStatus(run),
      act: () => router.go(toRun(run)),
    })),
    { name: 'Change theme', hint: 'setting', act: () => prefer({ theme: nextTheme() }) },
    { name: 'Help and settings', hint: 'help', act: () => void (dialogs.open = { kind: 'help' }) },
  ];
}

/** Commands that contain all words. Those that start with the first word come first. A number opens that run. */
export function findCommands(text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = allCommands().filter(({ name, hint }) =>
    words.every((word) => `${name} ${hint}`.toLowerCase().includes(word)),
  );
  const first = words[0] ?? '';
  const ranked = first
    ? found.sort(
        (a, b) => Number(b.name.toLowerCase().startsWith(first)) - Number(a.name.toLowerCase().startsWith(first)),
      )
    : found;
  const id = Number(/^#?(\d{1,15})$/.exec(text.trim())?.[1]);
  if (id && !store.runs.has(id))
    ranked.unshift({
      name: `Open run #${id}`,
      hint: 'run',
      act: () =>
        void store.loadRun(id).then(
          (run) => router.go(toRun(run)),
          () => router.go(`/p/-/runs/${id}`),
        ),
    });
  return ranked.slice(0, MAX_SHOWN);
}
