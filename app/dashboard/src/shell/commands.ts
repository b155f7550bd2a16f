/** The commands in the palette: pages, projects, runs and actions. */
import type { Component } from 'svelte';
import Ban from '@lucide/svelte/icons/ban';
import Bell from '@lucide/svelte/icons/bell';
import Boxes from '@lucide/svelte/icons/boxes';
import CalendarClock from '@lucide/svelte/icons/calendar-clock';
import Keyboard from '@lucide/svelte/icons/keyboard';
import LayoutGrid from '@lucide/svelte/icons/layout-grid';
import List from '@lucide/svelte/icons/list';
import LogOut from '@lucide/svelte/icons/log-out';
import Server from '@lucide/svelte/icons/server';
import Pin from '@lucide/svelte/icons/pin';
import Play from '@lucide/svelte/icons/play';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import SunMoon from '@lucide/svelte/icons/sun-moon';
import type { Problem } from '../api/client';
import type { Run } from '../api/mapping';
import type { Right } from '../api/rights';
import { formatRelativeTime, hasOwnTitle } from '../runs/format';
import { formatResult } from '../runs/outcomes';
import { type DisplayStatus, displayStatus, hasEnded } from '../runs/status';
import { announcer } from '../state/announcer.svelte';
import { clock } from '../state/clock.svelte';
import { dialogs } from '../state/dialogs.svelte';
import { type Theme, prefer, preferences } from '../state/preferences.svelte';
import { router, toProject, toRun } from '../state/router.svelte';
import { session } from '../state/session.svelte';
import { store } from '../state/store.svelte';
import { rank } from './ranking';

const GROUPS = ['Actions', 'Pages', 'Projects', 'Runs', 'Settings'] as const;

export interface Command {
  readonly group: (typeof GROUPS)[number];
  readonly name: string;
  /** Shown after the name: a title, or what came of a run. */
  readonly detail?: string;
  readonly hint?: string;
  /** Other words that find it. */
  readonly words?: string;
  /** Either an icon, or the status whose icon it has. */
  readonly icon?: Component<{ size: number }>;
  readonly state?: DisplayStatus | 'none';
  /** Whether it does nothing while the service is unreachable. */
  readonly waits?: boolean;
  readonly act: () => void;
}

const MAX_SHOWN = 40;
const THEMES: readonly (readonly [Theme, string])[] = [
  ['dark', 'Dark theme'],
  ['light', 'Light theme'],
  ['system', 'System theme'],
];

/** Those for the open page, or all. */
function actions(isSearch: boolean): Command[] {
  const shown = router.route.page === 'run' ? store.runs.get(router.route.runId) : undefined;
  const own = 'project' in router.route ? router.route.project : undefined;
  const may = (right: Right) => (run: Run) => store.rights.allow(right, run.project);
  const action = (run: Run, name: string, words: string, act: () => void, icon?: typeof Ban): Command => ({
    group: 'Actions',
    name,
    detail: run.project,
    words,
    waits: true,
    act,
    ...(icon && { icon }),
  });
  const ownRuns = shown ? [shown] : [];
  const runs = isSearch ? [...new Set([...ownRuns, ...store.unended])] : ownRuns;
  const startable = (store.projects ?? []).filter(({ name }) => store.rights.allow('start', name));
  return [
    ...ownRuns
      .filter(may('start'))
      .filter(({ status }) => hasEnded(status))
      .map((run) =>
        action(run, `Run #${run.id} again`, 'rerun repeat retry resume', () => dialogs.rerun(run.id), RotateCcw),
      ),
    ...runs
      .filter(may('cancel'))
      .filter(({ status }) => !hasEnded(status))
      .map((run) => action(run, `Cancel run #${run.id}`, 'stop kill abort', () => dialogs.cancel(run.id), Ban)),
    ...ownRuns
      .filter(may('start'))
      .map((run) =>
        action(
          run,
          `${run.pinned ? 'Unpin' : 'Pin'} run #${run.id}`,
          'keep delete retention',
          () => void store.setPinned(run.id, !run.pinned).catch(() => undefined),
          Pin,
        ),
      ),
    ...startable
      .filter(({ name }) => isSearch || name === own)
      .map(({ name }) => ({
        group: 'Actions' as const,
        name: `Start ${name}`,
        words: 'run',
        icon: Play,
        waits: true,
        act: () => dialogs.start(name),
      })),
  ];
}

function pages(): Command[] {
  const page = (name: string, path: string, icon: typeof Ban, words = ''): Command => ({
    group: 'Pages',
    name,
    words,
    icon,
    act: () => router.go(path),
  });
  return [
    page('Overview', '/', LayoutGrid, 'home projects'),
    page('All runs', '/runs', List),
    page('Schedules', '/schedules', CalendarClock, 'cron nightly pause resume due'),
    page('Resources', '/resources', Boxes, 'slots queue'),
    ...(store.isShared ? [page('Workers', '/workers', Server, 'machines hosts labels drain')] : []),
    ...(store.rights.allow('admin')
      ? [page('Notifications', '/notifications', Bell, 'targets deliveries webhooks mail')]
      : []),
  ];
}

/** The status of a run, as its icon and in words, with its time. */
const stateOf = (run: Run): Pick<Command, 'state' | 'hint'> => ({
  state: displayStatus(run),
  hint: `${store.wordOf(displayStatus(run))} · ${formatRelativeTime(run.createdAt, clock.now)}`,
});

const projects = (): Command[] =>
  (store.projects ?? []).map((project) => {
    const run = store.currentRun(project.name);
    return {
      group: 'Projects',
      name: project.name,
      detail: hasOwnTitle(project) ? project.title : '',
      words: run ? formatResult(run) : '',
      state: 'none',
      ...(run && stateOf(run)),
      act: () => router.go(toProject(project.name)),
    };
  });

const toCommand = (run: Run): Command => ({
  group: 'Runs',
  name: `#${run.id} ${run.project}`,
  detail: run.status === 'completed' ? '' : formatResult(run),
  words: store.project(run.project)?.title ?? '',
  ...stateOf(run),
  act: () => router.go(toRun(run)),
});

const logOut = (): void => void session.end().catch((problem: Problem) => announcer.announce(problem.message));

const settings = (): Command[] => [
  ...THEMES.map(([theme, name]) => ({
    group: 'Settings' as const,
    name,
    hint: preferences.theme === theme ? 'in use' : '',
    words: 'change colours mode',
    icon: SunMoon,
    act: () => prefer({ theme }),
  })),
  {
    group: 'Settings',
    name: 'Help and settings',
    words: 'keys shortcuts',
    icon: Keyboard,
    act: () => void (dialogs.open = { kind: 'help' }),
  },
  ...(session.exists ? [{ group: 'Settings' as const, name: 'Log out', icon: LogOut, waits: true, act: logOut }] : []),
];

/** Opens a run by its number, whether or not it is known. */
function openRun(id: number): Command {
  const run = store.runs.get(id);
  if (run) return toCommand(run);
  return {
    group: 'Runs',
    name: `Open run #${id}`,
    state: 'none',
    act: () =>
      void store.loadRun(id).then(
        (run) => router.go(toRun(run)),
        () => router.go(`/p/-/runs/${id}`),
      ),
  };
}

/** The commands that match, in groups, the best group first. A number opens that run. */
export function findCommands(text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const isSearch = words.length > 0;
  const id = Number(/^#?(\d{1,15})$/.exec(text.trim())?.[1]);
  const runs = [...store.runs.values()].filter((run) => run.id !== id).sort((a, b) => b.id - a.id);
  const scores = new Map<Command, number>();
  // Of equal matches, a project comes before what can be done with it.
  const first = [actions(isSearch), pages(), projects()];
  const all = [...(isSearch ? first.reverse() : first).flat(), ...runs.map(toCommand), ...settings()];
  for (const command of all) {
    const { name, detail, hint, group } = command;
    const score = rank(name, [detail, hint, command.words, group].join(' '), words);
    if (score !== null) scores.set(command, score);
  }
  // Sorting keeps the order of equals: the newest run first.
  const ranked = [...scores.keys()].sort((a, b) => scores.get(b)! - scores.get(a)!);
  const shown = [...(id ? [openRun(id)] : []), ...ranked].slice(0, MAX_SHOWN);
  const groups = isSearch ? [...new Set(shown.map(({ group }) => group))] : GROUPS;
  return groups.flatMap((group) => shown.filter((command) => command.group === group));
}
