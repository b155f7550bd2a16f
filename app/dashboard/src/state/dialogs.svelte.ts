/** The open dialog and its parameters. At most one is open. */
import type { Run } from '../api/mapping';

export type Dialog =
  | {
      readonly kind: 'start';
      readonly project?: string;
      readonly scope?: string;
      readonly params?: Run['params'];
    }
  | { readonly kind: 'rerun'; readonly runId: number }
  | { readonly kind: 'cancel'; readonly runId: number }
  | { readonly kind: 'palette' }
  | { readonly kind: 'help' };

class Dialogs {
  open: Dialog | null = $state.raw(null);

  start(project?: string, like?: Pick<Run, 'scope' | 'params'>): void {
    this.open = {
      kind: 'start',
      ...(project !== undefined && { project }),
      ...(like && { scope: like.scope, params: like.params }),
    };
  }

  rerun(runId: number): void {
    this.open = { kind: 'rerun', runId };
  }

  cancel(runId: number): void {
    this.open = { kind: 'cancel', runId };
  }

  close(): void {
    this.open = null;
  }
}

export const dialogs = new Dialogs();
