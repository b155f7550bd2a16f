/** What the address says of a log: its filters, the marked lines, and whether the log fills the window. */
import type { Run } from '../api/mapping';
import { router } from '../state/router.svelte';
import { type Filters, type LineRange, parseAttempt, parseLevel, parseLines, parseStream } from './filters';

export class LogAddress {
  private readonly step = $derived(router.query.get('step'));
  private readonly ofStep = $derived.by(() => this.run().steps.find(({ name }) => name === this.step));
  /** Compared by its content: each message of the stream makes another object of the same run. */
  private readonly content = $derived(
    JSON.stringify({
      step: this.step,
      attempt: parseAttempt(router.query.get('attempt'), this.ofStep),
      level: parseLevel(router.query.get('level')),
      stream: parseStream(router.query.get('stream')),
    }),
  );
  /** The same object until the filters change. */
  readonly filters = $derived(JSON.parse(this.content) as Omit<Filters, 'text'>);
  /** The numbers of the step's attempts. */
  readonly attempts = $derived((this.ofStep?.attempts ?? []).map(({ number }) => number));
  readonly marked: LineRange | null = $derived(parseLines(router.hash));
  readonly isZoomed = $derived(router.query.has('zoom'));

  constructor(private readonly run: () => Run) {}
}
