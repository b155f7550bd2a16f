/** A search in the log: its state, which the toolbar shows, and the way from match to match. */
import type { LogRecord } from '../api/mapping';
import { passes } from './filters';
import type { TextFinder } from './finding';
import type { LogModel } from './log_model';
import { Matches } from './matches';

/** Keys that follow each other faster belong to one word. */
export const PAUSE_MS = 100;

export interface SearchStart {
  /** Where the search begins. */
  readonly seq: number;
  /** Whether it takes the reader to its first match. */
  readonly jumps: boolean;
  /** Takes the reader back to where they were. */
  readonly goBack: () => void;
}

export class LogSearch {
  state: 'no' | 'under way' | 'failed' | 'done' = $state('no');
  position: number | null = $state(null);
  /** How many matches are known. */
  total = $state(0);
  /** Whether these are all. */
  isExact = $state(false);
  /** How many records have been searched. */
  read = $state(0);
  /** The seqs of the matches; none if not all are known. */
  seqs: readonly number[] = $state.raw([]);
  private matches: Matches | null = null;
  /** Whether the reader is waiting to be taken to the match that is being searched. */
  private jumps = false;
  /** Where the reader was before typing: each change of the text searches from there. */
  private origin: SearchStart | null = null;

  /** `goTo` is called with each match that the reader goes to. */
  constructor(private readonly goTo: (seq: number) => void) {}

  /** Goes to the first match from `seq` on, if it `jumps`. Reads what is near at once, and the rest after a pause. */
  begin(text: TextFinder | null, model: LogModel, from: SearchStart): () => void {
    this.state = text ? 'under way' : 'no';
    this.total = this.read = 0;
    this.seqs = [];
    this.origin = text && (this.origin ?? from);
    let timer = 0;
    const pause = new Promise<void>((resolve) => (timer = window.setTimeout(resolve, PAUSE_MS)));
    if (text) void this.start(text, model, (this.origin ?? from).seq, from.jumps, pause);
    return () => {
      clearTimeout(timer);
      this.matches?.close();
      this.matches = null;
    };
  }

  /** The reader has gone somewhere else: a match that is found later must not take them away. */
  stay(): void {
    this.jumps = false;
    this.origin = null;
  }

  /** Takes the reader back to where they began to type, unless they have gone somewhere else since. */
  leave(): void {
    this.jumps = false;
    this.origin?.goBack();
  }

  async go(direction: 1 | -1): Promise<void> {
    const { matches } = this;
    this.jumps = true;
    this.origin = null;
    if (matches) await this.find(matches, () => matches.go(direction));
  }

  append(records: readonly LogRecord[]): void {
    this.matches?.append(records);
    this.total = this.matches?.total ?? 0;
  }

  private async start(
    text: TextFinder,
    model: LogModel,
    seq: number,
    jumps: boolean,
    pause: Promise<void>,
  ): Promise<void> {
    const matches = (this.matches = new Matches(
      text,
      (query, signal) => model.search(query, signal),
      (record) => passes(record, model.filters),
      pause,
    ));
    // The rows in view come first. If they are all, the search is over.
    const isFilter = model.filters.text === text;
    matches.onRead = () => {
      this.show(matches);
      if (isFilter && matches.isComplete) model.setTotal(matches.total);
    };
    matches.precede(model.lastLoaded());
    this.jumps = jumps;
    if (isFilter) await model.shown;
    if (matches !== this.matches) return;
    await this.find(matches, () => matches.start(seq, isFilter ? model.loadedSeqs() : null));
  }

  private async find(matches: Matches, search: () => Promise<number | null>): Promise<void> {
    const result = search();
    if (matches.isSearching && !this.total) this.state = 'under way';
    const found = await result.catch(() => undefined);
    // Another search has ended this one.
    if (matches !== this.matches || (found === undefined && !matches.hasFailed)) return;
    this.show(matches);
    if (found && this.jumps) this.goTo(found);
    if (!matches.hasFailed) await matches.count().catch(() => this.show(matches));
  }

  private show(matches: Matches): void {
    if (matches !== this.matches) return;
    this.state = matches.hasFailed ? 'failed' : matches.isCounted ? 'done' : 'under way';
    this.position = matches.position;
    this.total = matches.total;
    this.isExact = matches.isComplete;
    this.read = matches.read;
    this.seqs = matches.all ?? [];
  }
}
