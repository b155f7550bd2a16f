/** Data that is read again when it may have changed: by one request at a time, and another after a change during it. */
import type { Problem } from '../api/client';
import { store } from './store.svelte';

export abstract class Refreshed {
  /** Of the last change. */
  problem: Problem | null = $state.raw(null);
  /** Whether a read has succeeded or failed. */
  isSettled = $state(false);
  private isLoading = false;
  private isOutdated = false;

  protected abstract read(): Promise<void>;

  /** Reads now, after each reconnection and at this interval, while an effect calls it. Returns how to stop. */
  protected refresh(intervalMs = Infinity, isDue = (): boolean => true): () => void {
    void store.epoch;
    const load = (): void => void this.load().catch(() => undefined);
    load();
    const timer = intervalMs < Infinity ? setInterval(() => isDue() && load(), intervalMs) : undefined;
    return () => clearInterval(timer);
  }

  async load(): Promise<void> {
    this.isOutdated = true;
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      while (this.isOutdated) {
        this.isOutdated = false;
        await this.read();
      }
    } finally {
      this.isLoading = false;
      this.isSettled = true;
    }
  }

  /** Changes the data in the service, then reads it. Whether it succeeded: if not, `problem` says why. */
  protected async change(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      await this.load();
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = error as Problem;
      return false;
    }
  }
}
