/** Lines that are JSON objects, as structured loggers write them: the message, the level, and the other fields. */
import type { Level } from '../api/mapping';

export interface JsonLine {
  readonly message: string;
  readonly level: Level | null;
  /** The other fields, as `key=value`. */
  readonly fields: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Longer lines stay as they are. */
const MAX_LENGTH = 32 * 1024;
const MESSAGES = ['message', 'msg', 'event', 'short_message', 'text', 'body'];
const LEVELS = ['level', 'severity', 'levelname', 'log.level', 'lvl', 'loglevel'];
const NAMES: Readonly<Record<string, Level>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  information: 'info',
  informational: 'info',
  notice: 'info',
  warn: 'warning',
  warning: 'warning',
  err: 'error',
  error: 'error',
  critical: 'error',
  fatal: 'error',
  alert: 'error',
  emergency: 'error',
  panic: 'error',
};

export function parseJsonLine(text: string): JsonLine | null {
  if (text.length > MAX_LENGTH || !text.startsWith('{') || !text.trimEnd().endsWith('}')) return null;
  const value = parseObject(text);
  if (!value) return null;
  const keys = Object.keys(value);
  const messageKey = MESSAGES.find((key) => typeof value[key] === 'string' && value[key] !== '');
  const levelKey = LEVELS.find((key) => toLevel(value[key]) !== null);
  if (keys.length === 0) return null;
  return {
    message: messageKey === undefined ? '' : oneLine(value[messageKey] as string),
    level: levelKey === undefined ? null : toLevel(value[levelKey]),
    fields: keys
      .filter((key) => key !== messageKey && key !== levelKey)
      .map((key) => `${key}=${format(value[key])}`)
      .join(' '),
    value,
  };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** Numbers are those of pino and bunyan. */
function toLevel(value: unknown): Level | null {
  if (typeof value === 'string') return NAMES[value.toLowerCase()] ?? null;
  if (typeof value !== 'number' || value < 10 || value > 60) return null;
  return value >= 50 ? 'error' : value >= 40 ? 'warning' : value >= 30 ? 'info' : 'debug';
}

const oneLine = (text: string): string => text.replace(/\r?\n/g, ' ⏎ ');

export function format(value: unknown): string {
  return typeof value === 'string' && /^[^\s"'={}[\]]+$/.test(value) ? value : JSON.stringify(value);
}
