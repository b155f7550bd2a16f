/** The one dialog that is open, and what it is about. */
import type { Run } from '../api/mapping';

export type Dialog =
  | { readonly kind: 'start'; readonly project?: string; readonly scope?: string; readonly params?: Readonly<Record<string, string>> }
  | { readonly kind: 'stop'; readonly runId: number }
  | { readonly kind: 'palette' }
  | { readonly kind: 'help' };

class Dialogs {
  open: Dialog | null = $state.raw(null);

  start(project?: string, like?: Pick<Run, 'scope' | 'params'>): void {
    this.open = { kind: 'start', ...(project !== undefined && { project }), ...(like && { scope: like.scope, params: like.params }) };
  }

  stop(runId: number): void {
    this.open = { kind: 'stop', runId };
  }

  close(): void {
    this.open = null;
  }
}

export const dialogs = new Dialogs();
