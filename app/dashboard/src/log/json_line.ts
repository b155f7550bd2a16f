/** Lines that are JSON objects, as structured loggers write them: the message and the other fields. */

export interface JsonLine {
  readonly message: string;
  /** The other fields, as `key=value`: those that say who wrote the line and when come last. */
  readonly fields: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Longer lines stay as they are. */
const MAX_LENGTH = 32 * 1024;
const MESSAGES = ['message', 'msg', 'event', 'short_message', 'text', 'body'];
/** The service has made them the level of the record. */
const LEVELS: readonly string[] = ['level', 'lvl', 'severity', 'loglevel', 'levelname'];
/** Who wrote the line and when, which is often the same for all lines. The record has a time of its own. */
const ORIGIN: readonly string[] = ['time', 'timestamp', '@timestamp', 'ts', 'pid', 'hostname', 'v'];

export function parseJsonLine(text: string): JsonLine | null {
  if (text.length > MAX_LENGTH || !text.startsWith('{') || !text.trimEnd().endsWith('}')) return null;
  const value = parseObject(text);
  if (!value) return null;
  const keys = Object.keys(value);
  const messageKey = MESSAGES.find((key) => typeof value[key] === 'string' && value[key] !== '');
  if (keys.length === 0) return null;
  const others = keys.filter((key) => key !== messageKey && !LEVELS.includes(key));
  const isOrigin = (key: string): boolean => ORIGIN.includes(key);
  return {
    message: messageKey === undefined ? '' : oneLine(value[messageKey] as string),
    fields: [...others.filter((key) => !isOrigin(key)), ...others.filter(isOrigin)]
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

const oneLine = (text: string): string => text.replace(/\r?\n/g, ' ⏎ ');

export function format(value: unknown): string {
  return typeof value === 'string' && /^[^\s"'={}[\]]+$/.test(value) ? value : JSON.stringify(value);
}
