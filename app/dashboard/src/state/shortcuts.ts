/**
 * Keyboard shortcuts. Pages bind theirs while they are shown; `shell/shortcut_list.ts` has all of them. Single-key
 * shortcuts can be switched off (WCAG 2.1.4) and are ignored while the user types.
 */
import { preferences } from './preferences.svelte';

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
