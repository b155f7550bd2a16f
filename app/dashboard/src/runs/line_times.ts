/** Formats times for columns and axes: of the lines of a log, and of a timeline. */
import { ZONE, isUtc, join, zoneOfRepeated } from './format';

/** An axis label: `15 s`, `1 min 30 s`, `2 h`. Zero parts are omitted. */
export function formatTick(ms: number): string {
  const seconds = ms / 1000;
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const labels = parts.filter(([value]) => value).flatMap(([value, unit]) => [String(value), unit]);
  return labels.length ? join(...labels) : join('0', 's');
}

/** The time of a line of a log, in 24 hours: always as wide, but for the zone in the night in which clocks go back. */
export function formatLogTime(time: number): string {
  const date = new Date(time - (isUtc() ? 0 : new Date(time).getTimezoneOffset() * 60_000));
  const zone = zoneOfRepeated(time).timeZoneName ? ` ${nameZone(time)}` : '';
  return date.toISOString().slice(11, 23) + zone;
}

/** `CET`, or `GMT+1` where the language has no name for it. */
const nameZone = (time: number): string =>
  new Intl.DateTimeFormat(navigator.language, ZONE).formatToParts(time).find(({ type }) => type === 'timeZoneName')!
    .value;

/** The time of a line since the start of its run, always as wide: `0:01:02.250`. */
export function formatSinceStart(ms: number): string {
  const time = new Date(Math.max(0, ms)).toISOString();
  return `${Math.floor(Math.max(0, ms) / 3_600_000)}${time.slice(13, 23)}`;
}

/** The time of a line since the one before: `+0.46`, `+42.1`, in seconds. */
export const formatSinceLine = (ms: number): string => `+${(Math.max(0, ms) / 1000).toFixed(ms < 9_995 ? 2 : 1)}`;
