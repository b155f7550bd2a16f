/** The current line of the log, and the ways from line to line. */
import type { Run } from '../api/mapping';
import { findFirstError, startOfFailure } from './first_error';
import type { LogModel } from './log_model';
import type { LogQuery } from './log_query';
import { LogSearch } from './log_search.svelte';
import type { LogView } from './log_view';
import { NextRecord } from './next_record';

export class LogNavigation {
  current: number | null = $state(null);
  readonly search = new LogSearch((seq) => this.show(seq));
  private model: LogModel | undefined;
  private view: LogView | undefined;
  private readonly next = new NextRecord(() => this.model!);
  private opening = new AbortController();

  /** `focus` gives the focus to the lines. */
  constructor(private readonly focus: () => void) {}

  attach(model: LogModel, view: LogView): void {
    this.model = model;
    this.view = view;
  }

  /** The reader has moved: what is still being searched must not take them away. */
  stay(): void {
    this.opening.abort();
    this.search.stay();
  }

  show(seq: number): void {
    this.opening.abort();
    this.current = seq;
    this.view?.position.goTo(seq);
  }

  jump(seq: number): void {
    this.stay();
    this.show(seq);
    this.focus();
  }

  /** At once if it is known, so that a search in the address begins there. */
  showFirstError(run: Run): void {
    if (run.firstErrorSeq === null) return;
    if (run.firstErrorSeq >= startOfFailure(run)) this.show(run.firstErrorSeq);
    else void this.searchFirstError(run);
  }

  toStart(): void {
    this.stay();
    this.view?.position.goTo(this.model?.seqAt(0) ?? 1);
  }

  toEnd(): void {
    this.stay();
    this.view?.position.follow();
  }

  /** Without a current line, from the lines in view. */
  async goToNext(direction: 1 | -1, kind: LogQuery): Promise<void> {
    const seen = this.view?.position.firstVisible() ?? 1;
    const from = this.current ?? (direction > 0 ? seen - 1 : seen);
    const found = await this.next.find(from, direction, kind).catch(() => undefined);
    if (found) this.jump(found.seq);
  }

  goToLine(by: 1 | -1): void {
    if (!this.model) return;
    const from = this.current ?? this.view?.position.firstVisible() ?? 1;
    this.jump(this.model.seqAt(Math.max(0, this.model.indexOf(from) + (this.current === null ? 0 : by))));
  }

  /** Returns a function that takes the reader back to where they are now. */
  rememberPlace(): () => void {
    const [place, line] = [this.view?.position.place(), this.current];
    return () => {
      if (place) this.view?.position.returnTo(place);
      // A match that is in view anyway remains the current line.
      if (this.current === null || !this.view?.position.isInView(this.current)) this.current = line;
    };
  }

  private async searchFirstError(run: Run): Promise<void> {
    const { signal } = (this.opening = new AbortController());
    const found = await findFirstError(run, (query) => this.model!.query(query, signal), signal).catch(() => null);
    if (found !== null && !signal.aborted) this.show(found);
  }
}
