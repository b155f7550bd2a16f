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
import SunMoon from '@lucide/svelte/icons/sun-moon';
import type { Run } from '../api/mapping';
import { formatRelativeTime, labelOf } from '../runs/format';
import { type DisplayStatus, displayStatus, hasEnded } from '../runs/status';
import { clock } from '../state/clock.svelte';
import { dialogs } from '../state/dialogs.svelte';
import { nextTheme, prefer } from '../state/preferences.svelte';
import { router, toProject, toRun } from '../state/router.svelte';
import { session } from '../state/session.svelte';
import { store } from '../state/store.svelte';
import { rank } from './ranking';

const GROUPS = ['Actions', 'Pages', 'Projects', 'Runs', 'Settings'] as const;

export interface Command {
  readonly group: (typeof GROUPS)[number];
  readonly name: string;
  readonly hint: string;
  /** Other words that find it. */
  readonly words?: string;
  /** Either an icon, or the status whose icon it has. */
  readonly icon?: Component<{ size: number }>;
  readonly state?: DisplayStatus | 'none';
  readonly act: () => void;
}

const stateOf = (run: Run | undefined): DisplayStatus | 'none' => (run ? displayStatus(run) : 'none');

const MAX_SHOWN = 40;

function allCommands(): Command[] {
  const projects = store.projects ?? [];
  const runs = [...store.runs.values()].sort((a, b) => b.id - a.id);
  const shown = router.route.page === 'run' ? store.runs.get(router.route.runId) : undefined;
  return [
    ...(shown && hasEnded(shown.status) && store.rights.allow('start', shown.project)
      ? [
          {
            group: 'Actions' as const,
            name: `Run #${shown.id} again`,
            hint: shown.project,
            words: 'rerun repeat retry resume',
            act: () => dialogs.rerun(shown.id),
          },
        ]
      : []),
    ...(shown && !hasEnded(shown.status) && store.rights.allow('cancel', shown.project)
      ? [
          {
            group: 'Actions' as const,
            name: `Cancel run #${shown.id}`,
            hint: shown.project,
            words: 'stop',
            icon: Ban,
            act: () => dialogs.cancel(shown.id),
          },
        ]
      : []),
    ...(shown && store.rights.allow('start', shown.project)
      ? [
          {
            group: 'Actions' as const,
            name: `${shown.pinned ? 'Unpin' : 'Pin'} run #${shown.id}`,
            hint: shown.project,
            words: 'keep delete retention',
            icon: Pin,
            act: () => void store.setPinned(shown.id, !shown.pinned).catch(() => undefined),
          },
        ]
      : []),
    { group: 'Pages', name: 'Overview', hint: '', icon: LayoutGrid, act: () => router.go('/') },
    { group: 'Pages', name: 'All runs', hint: '', icon: List, act: () => router.go('/runs') },
    {
      group: 'Pages',
      name: 'Schedules',
      hint: '',
      words: 'cron nightly pause resume due',
      icon: CalendarClock,
      act: () => router.go('/schedules'),
    },
    {
      group: 'Pages',
      name: 'Resources',
      hint: '',
      words: 'slots queue',
      icon: Boxes,
      act: () => router.go('/resources'),
    },
    ...(store.isShared
      ? [
          {
            group: 'Pages' as const,
            name: 'Workers',
            hint: '',
            words: 'machines hosts labels drain',
            icon: Server,
            act: () => router.go('/workers'),
          },
        ]
      : []),
    ...(store.rights.allow('admin')
      ? [
          {
            group: 'Pages' as const,
            name: 'Notifications',
            hint: '',
            words: 'targets deliveries webhooks mail',
            icon: Bell,
            act: () => router.go('/notifications'),
          },
        ]
      : []),
    ...projects.map(({ name, title }) => ({
      group: 'Projects' as const,
      name: labelOf({ name, title }),
      hint: '',
      state: stateOf(store.currentRun(name)),
      act: () => router.go(toProject(name)),
    })),
    ...projects
      .filter(({ name }) => store.rights.allow('start', name))
      .map(({ name }) => ({
        group: 'Actions' as const,
        name: `Start ${name}`,
        hint: '',
        words: 'run',
        icon: Play,
        act: () => dialogs.start(name),
      })),
    ...runs.map((run: Run) => ({
      group: 'Runs' as const,
      name: `#${run.id} ${run.project}`,
      hint: `${displayStatus(run)} · ${formatRelativeTime(run.createdAt, clock.now)}`,
      state: stateOf(run),
      act: () => router.go(toRun(run)),
    })),
    {
      group: 'Settings',
      name: 'Change theme',
      hint: '',
      words: 'dark light system',
      icon: SunMoon,
      act: () => prefer({ theme: nextTheme() }),
    },
    {
      group: 'Settings',
      name: 'Help and settings',
      hint: '',
      words: 'keys shortcuts',
      icon: Keyboard,
      act: () => void (dialogs.open = { kind: 'help' }),
    },
    ...(session.exists
      ? [{ group: 'Settings' as const, name: 'Log out', hint: '', icon: LogOut, act: () => void session.end() }]
      : []),
  ];
}

/** The commands that match, in groups, the best group first. A number opens that run. */
export function findCommands(text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const scores = new Map<Command, number>();
  for (const command of allCommands()) {
    const score = rank(`${command.name} ${command.hint} ${command.words ?? ''} ${command.group}`, words);
    if (score !== null) scores.set(command, score);
  }
  // Sorting keeps the order of equals: the newest run first.
  const ranked = [...scores.keys()].sort((a, b) => scores.get(b)! - scores.get(a)!).slice(0, MAX_SHOWN);
  const id = Number(/^#?(\d{1,15})$/.exec(text.trim())?.[1]);
  if (id && !store.runs.has(id))
    ranked.unshift({
      group: 'Runs',
      name: `Open run #${id}`,
      hint: '',
      state: 'none',
      act: () =>
        void store.loadRun(id).then(
          (run) => router.go(toRun(run)),
          () => router.go(`/p/-/runs/${id}`),
        ),
    });
  const groups = words.length ? [...new Set(ranked.map(({ group }) => group))] : GROUPS;
  return groups.flatMap((group) => ranked.filter((command) => command.group === group));
}
