/** What a click in the log means. */

export type Click =
  | { readonly part: 'heading' }
  | { readonly part: 'json' | 'context' | 'group' | 'progress' | 'number'; readonly seq: number };

/** Undefined for a click that means nothing here, such as one on text. */
export function readClick(event: MouseEvent): Click | undefined {
  const at = event.target as HTMLElement;
  if (at.closest('.heading')) return { part: 'heading' };
  const seq = Number(at.closest<HTMLElement>('.row')?.dataset['seq']);
  if (!seq) return undefined;
  if (at.closest('.json')) return { part: 'json', seq };
  if (at.closest('button.around')) return { part: 'context', seq };
  if (at.closest('.fold')) return { part: at.closest('.progress') ? 'progress' : 'group', seq };
  return at.closest('.number') && !event.ctrlKey && !event.metaKey ? { part: 'number', seq } : undefined;
}
