/**
 * Keys and what they do now. Pages bind theirs while they are shown; the help sheet lists all. Single letters can be
 * switched off (WCAG 2.1.4) and never act while somebody types.
 */
import { preferences } from './preferences.svelte';

export const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ['g o', 'Overview'],
  ['g r', 'All runs'],
  ['s', 'Start a run'],
  ['x', 'Stop the run (asks first)'],
  ['/', 'Search the log'],
  ['n', 'Next match'],
  ['N', 'Previous match'],
  ['f', 'Follow the end of the log'],
  ['e', 'Next error'],
  ['E', 'Previous error'],
  ['j', 'Next line, or next in a list'],
  ['k', 'Previous line, or previous in a list'],
  ['1', 'Log: everything'],
  ['2', 'Log: info and above'],
  ['3', 'Log: warnings and above'],
  ['4', 'Log: errors'],
  ['t', 'Theme: system, light, dark'],
  ['?', 'This help'],
];

type Handlers = Readonly<Record<string, () => void>>;

const bound: Handlers[] = [];
const SEQUENCE_MS = 1200;
let pending = '';
let pendingAt = 0;

/** Returns how to unbind. What was bound last is asked first. */
export function bindShortcuts(handlers: Handlers): () => void {
  bound.unshift(handlers);
  return () => void bound.splice(bound.indexOf(handlers), 1);
}

export function handleShortcut(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
    if (run('mod+k')) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !preferences.singleKeys) return;
  if (isTyping(event.target as Element) || document.querySelector('dialog[open]')) return;
  const sequence = pending && event.timeStamp - pendingAt < SEQUENCE_MS ? `${pending} ${event.key}` : event.key;
  pending = '';
  if (run(sequence) || (sequence !== event.key && run(event.key))) event.preventDefault();
  else if (event.key === 'g') {
    pending = 'g';
    pendingAt = event.timeStamp;
  }
}

function run(key: string): boolean {
  const handler = bound.find((handlers) => handlers[key])?.[key];
  handler?.();
  return handler !== undefined;
}

const isTyping = (element: Element): boolean => element.closest('input, textarea, select, [contenteditable]') !== null;
