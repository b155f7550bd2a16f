/** Formats numbers, times, scopes and origins, the same way on every page. */
import type { Run } from '../api/mapping';
import { preferences } from '../state/preferences.svelte';

const count = new Intl.NumberFormat('en');
export const formatCount = (value: number): string => count.format(value);

const short = new Intl.NumberFormat('en', { notation: 'compact' });
/** For small spaces: `9,999`, `12K`, `1.2M`. */
export const formatCompact = (value: number): string => (value < 10_000 ? formatCount(value) : short.format(value));

/** A number and its unit stay on one line. */
export const join = (...parts: readonly string[]): string => parts.join('\u00a0');
const two = (value: number): string => String(value).padStart(2, '0');

/** `0.4 s`, `34 s`, `5 min 07 s`, `2 h 05 min`, `3 d 4 h`. */
export function formatDuration(ms: number | null): string {
  if (ms === null) return '—';
  if (ms < 9_950) return join((Math.round(ms / 100) / 10).toFixed(1), 's');
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return join(String(seconds), 's');
  if (seconds < 3600) return join(String(Math.floor(seconds / 60)), 'min', two(seconds % 60), 's');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 48 * 60) return join(String(Math.floor(minutes / 60)), 'h', two(minutes % 60), 'min');
  return join(String(Math.floor(minutes / 1440)), 'd', String(Math.floor((minutes % 1440) / 60)), 'h');
}

/** A duration that still grows: in whole seconds, to avoid flicker. */
export const formatElapsed = (ms: number): string =>
  ms < 9_950 ? join(String(Math.max(0, Math.floor(ms / 1000))), 's') : formatDuration(ms);

/** `a few seconds`, `about 4 min`, `about 2 h 10 min`. */
export function formatApproximate(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return 'a few seconds';
  if (seconds < 55) return `about ${Math.round(seconds / 5) * 5} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${minutes} min`;
  return `about ${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}

export function formatRelativeTime(time: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 24 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.round((midnightOf(now) - midnightOf(time)) / 86_400_000);
  return days === 1 ? 'yesterday' : days < 30 ? `${days} d ago` : formatDate(time);
}

const DATE = { day: 'numeric', month: 'short', year: 'numeric' } as const;
const SHORT_DATE = { day: 'numeric', month: 'short' } as const;
const HALF_YEAR_MS = 182 * 86_400_000;
/** In 24 hours whatever the language, as in the lines of a log: such times align, and cannot be taken for others. */
const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
const SECONDS = { ...CLOCK, second: '2-digit' } as const;
export const ZONE = { timeZoneName: 'short' } as const;
const RIGHT_TO_LEFT = /[\u0590-\u08ff]/;

export const isUtc = (): boolean => preferences.times === 'utc';

/** Creating one takes much longer than using it. By language, options, and offset: a traveller's time zone changes. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterFor(time: number, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([navigator.language, options, new Date(time).getTimezoneOffset()]);
  const formatter = formatters.get(key) ?? new Intl.DateTimeFormat(navigator.language, options);
  formatters.set(key, formatter);
  return formatter;
}

/** In the browser's language, and in the time zone that the user prefers. */
function format(time: number, options: Intl.DateTimeFormatOptions, timeZone = isUtc() ? 'UTC' : undefined): string {
  const text = formatterFor(time, { ...options, timeZone }).format(time);
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}

/** The beginning of the day of this time. */
export const midnightOf = (time: number): number =>
  isUtc() ? new Date(time).setUTCHours(0, 0, 0, 0) : new Date(time).setHours(0, 0, 0, 0);

/** 0 to 23. */
export const hourOf = (time: number): number => (isUtc() ? new Date(time).getUTCHours() : new Date(time).getHours());

const formatDate = (time: number): string => format(time, DATE);
export const formatClock = (time: number): string => format(time, { ...CLOCK, ...zoneOfRepeated(time) });

/** In the time zone of the reader, and in UTC as in the API: `1 Mar 2026, 13:00:00 CET · 12:00:00 UTC`. */
export function formatExact(time: number, timeZone?: string): string {
  const options = { ...DATE, ...SECONDS, ...ZONE };
  const zone = timeZone ?? formatterFor(time, {}).resolvedOptions().timeZone;
  const [here, utc] = [format(time, options, zone), format(time, options, 'UTC')];
  return here === utc ? here : `${here} · ${format(time, { ...SECONDS, ...ZONE }, 'UTC')}`;
}

/** The time of an event, with the date if it was not today. */
export const formatTime = (time: number, now = Date.now()): string =>
  format(time, { ...dateOf(time, now), ...SECONDS });

/** The same without seconds, for what was planned. */
export const formatMinute = (time: number, now = Date.now(), zone = {}): string =>
  format(time, { ...dateOf(time, now), ...CLOCK, ...zone });

/** Names the zone of the times that are shown, beside one that is another. */
export const zoneBeside = (timeZone: string): Intl.DateTimeFormatOptions =>
  timeZone === (isUtc() ? 'UTC' : new Intl.DateTimeFormat().resolvedOptions().timeZone) ? {} : ZONE;

/** `begins at about 14:05`, with the date if it is not today, or `begins soon`. */
export const formatBegin = (time: number, now: number): string =>
  time <= now ? 'begins soon' : `begins at about ${formatMinute(time, now)}`;

function dateOf(time: number, now: number): Intl.DateTimeFormatOptions {
  const date = Math.abs(time - now) < HALF_YEAR_MS ? SHORT_DATE : DATE;
  return { ...(midnightOf(time) === midnightOf(now) ? {} : date), ...zoneOfRepeated(time) };
}

/** Names the zone in the night in which clocks go back, when each time of an hour comes twice. */
export function zoneOfRepeated(time: number): Intl.DateTimeFormatOptions {
  const offset = (at: number): number => new Date(at).getTimezoneOffset();
  const isRepeated = (minutes: number): boolean =>
    offset(time + minutes * 60_000) - offset(time) === minutes ||
    offset(time) - offset(time - minutes * 60_000) === minutes;
  return !isUtc() && (isRepeated(60) || isRepeated(30)) ? ZONE : {};
}

const ORIGINS: Readonly<Record<string, string>> = {
  dashboard: 'from the dashboard',
  cli: 'from the CLI',
  api: 'through the API',
  schedule: 'by a schedule',
};

/** An action and its origin: `started from the CLI`, `Cancelled through the API`, `started by nightly`. */
export function formatOrigin(action: string, origin: string | null): string {
  return origin === null ? action : `${action} ${ORIGINS[origin] ?? `by ${origin}`}`;
}

/** `render completed`, or `3 steps completed, 2 retries`. */
export function formatCompleted({ steps }: Pick<Run, 'steps'>): string {
  const what =
    steps.length === 1 ? steps[0]!.name : `${steps.filter(({ status }) => status === 'completed').length} steps`;
  const retries = retriesOf({ steps });
  return `${what} completed${retries ? `, ${retries} ${retries === 1 ? 'retry' : 'retries'}` : ''}`;
}

/** How many attempts a run needed beyond the first of each step. */
export const retriesOf = ({ steps }: Pick<Run, 'steps'>): number =>
  steps.reduce((sum, { attempts }) => sum + Math.max(0, attempts.length - 1), 0);

/** Whether the title says more than the name. */
export const hasOwnTitle = ({ name, title }: { readonly name: string; readonly title: string }): boolean =>
  title !== '' && title.toLowerCase() !== name.toLowerCase();

/** A project's name, which is unique, and its title, which its family shares. */
export const labelOf = ({ name, title }: { readonly name: string; readonly title: string }): string =>
  hasOwnTitle({ name, title }) ? `${name} · ${title}` : name;
