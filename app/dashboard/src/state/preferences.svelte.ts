/** The user's preferences, stored in this browser. */
const KEY = 'solorun.preferences';

export type Theme = 'system' | 'light' | 'dark';
/** The time zone of the dashboard's times. */
export type Times = 'local' | 'utc';

/** What the lines of a log show: the time of day, the time since the run's start or since the line before, or none. */
export type LineTimes = 'clock' | 'run' | 'line' | 'none';

/** Of the overview; `auto` is by the number of projects. */
export type Layout = 'auto' | 'cards' | 'rows';

interface Preferences {
  theme: Theme;
  times: Times;
  layout: Layout;
  /** Whether the overview shows all other projects; null is by their number. */
  othersOpen: boolean | null;
  /** The failed runs that were marked as seen, by their projects. */
  seen: Readonly<Record<string, number>>;
  /** In pixels. */
  sidebarWidth: number;
  /** The patterns of the families that are folded in the sidebar. */
  folded: readonly string[];
  singleKeys: boolean;
  /** Whether logs wrap long lines; null is by the width of the window. */
  wrap: boolean | null;
  /** Null is by the width of the window. */
  lineTimes: LineTimes | null;
  /** Whether logs show all progress reports of a step, or only the last one. */
  progress: boolean;
  /** Whether logs show lines of JSON as they are. */
  raw: boolean;
}

const DEFAULTS: Preferences = {
  theme: 'system',
  times: 'local',
  layout: 'auto',
  othersOpen: null,
  seen: {},
  sidebarWidth: 208,
  folded: [],
  singleKeys: true,
  wrap: null,
  lineTimes: null,
  progress: false,
  raw: false,
};

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) };
  } catch {
    return { ...DEFAULTS };
  }
}

export const preferences: Preferences = $state(read());

export function prefer(changes: Partial<Preferences>): void {
  Object.assign(preferences, changes);
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Without storage, preferences last until the page is closed.
  }
  applyTheme();
}

/** These failures need no more attention. The next failure of a project does. */
export const markAsSeen = (runs: readonly { readonly project: string; readonly id: number }[]): void =>
  prefer({ seen: { ...preferences.seen, ...Object.fromEntries(runs.map(({ project, id }) => [project, id])) } });

export function applyTheme(): void {
  const { theme } = preferences;
  document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme;
}

export const nextTheme = (): Theme => ({ system: 'light', light: 'dark', dark: 'system' })[preferences.theme] as Theme;
