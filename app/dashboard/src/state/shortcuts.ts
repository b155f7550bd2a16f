/**
 * Keyboard shortcuts. Pages bind theirs while they are shown; the help dialog lists all of them. Single-key shortcuts can
 * be switched off (WCAG 2.1.4) and are ignored while the user types.
 */
import { preferences } from './preferences.svelte';

/** Keys that work with single-key shortcuts switched off, too. */
export const OTHER_KEYS: readonly (readonly [keys: string, action: string])[] = [
  ['Ctrl K', 'Commands'],
  ['Ctrl Enter', 'Start the run, in its form'],
  ['Ctrl F', 'Search the log'],
  ['Alt /', 'Show only matches'],
  ['Ctrl A', 'Select the whole log'],
  ['Alt W', 'Wrap long lines'],
  ['Enter', 'Show the fields of the current JSON line'],
  ['Home', 'First line of the log'],
  ['End', 'Last line of the log'],
  ['Shift click', 'On a line number: mark a range'],
];

export const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ['g o', 'Overview'],
  ['g r', 'All runs'],
  ['g s', 'Shared resources'],
  ['g c', 'Schedules'],
  ['g n', 'Notifications'],
  ['g w', 'Workers'],
  ['s', 'Start a run'],
  ['r', 'Run again (asks first)'],
  ['x', 'Cancel the run (asks first)'],
  ['/', 'Search the log, or filter the overview'],
  ['p', 'Find a project in the sidebar'],
  ['n', 'Next match'],
  ['N', 'Previous match'],
  ['c', 'Show or hide the lines around a match'],
  ['f', 'Follow the log'],
  ['z', 'Expand or restore the log'],
  ['e', 'Next error'],
  ['E', 'Previous error'],
  [']', 'Next start or end of a step'],
  ['[', 'Previous start or end of a step'],
  ['j', 'Next line or list item'],
  ['k', 'Previous line or list item'],
  ['1', 'Log: all levels'],
  ['2', 'Log: info and above'],
  ['3', 'Log: warnings and above'],
  ['4', 'Log: errors'],
  ['t', 'Theme: system, light, dark'],
  ['?', 'Show this help'],
];

type Handlers = Readonly<Record<string, () => void>>;

const bound: Handlers[] = [];
const SEQUENCE_MS = 1200;
let pending = '';
let pendingAt = 0;

/** The latest binding of a key takes precedence. Returns a function that unbinds. */
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
