/**
 * The runs that the tab knows, by id and by project. A change of a project's runs updates only what shows that project:
 * with hundreds of projects, anything else would slow down each response.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Run } from '../api/mapping';
import { hasEnded, holdsProject, isEarlier } from '../runs/status';
import { formatWait } from '../runs/queueing';
import { type Medians, mediansOf, timeLeft } from '../runs/timing';

export const HISTORY_LENGTH = 30;

export class KnownRuns {
  readonly runs = new SvelteMap<number, Run>();
  /** Ids of a project's latest runs, newest first. Queued ones come in when they begin: a long queue would fill it. */
  readonly histories = new SvelteMap<string, readonly number[]>();
  private readonly unendedOf = new SvelteMap<string, readonly Run[]>();
  /** All runs that have not ended. */
  readonly unended: readonly Run[] = $derived([...this.unendedOf.values()].flat());
  readonly active: readonly Run[] = $derived(this.unended.filter((run) => holdsProject(run.status)));

  /** Keeps a place for each project. What reads a missing one would be updated with any new one. */
  protected expect(projects: Iterable<string>): void {
    for (const project of projects) {
      if (!this.histories.has(project)) this.histories.set(project, []);
      if (!this.unendedOf.has(project)) this.unendedOf.set(project, []);
    }
  }

  /** Adds a run, unless what is known is newer. Returns whether it was added. */
  protected add(run: Run): boolean {
    const known = this.runs.get(run.id);
    if (known && (known.lastSeq > run.lastSeq || isEarlier(run.status, known.status))) return false;
    this.expect([run.project]);
    this.runs.set(run.id, run);
    const unended = this.unendedOf.get(run.project)!;
    const others = unended.filter(({ id }) => id !== run.id);
    if (!hasEnded(run.status)) this.unendedOf.set(run.project, [...others, run]);
    else if (others.length < unended.length) this.unendedOf.set(run.project, others);
    const history = this.histories.get(run.project)!;
    if (run.status !== 'queued' && !history.includes(run.id) && run.id > (history[history.length - 1] ?? 0))
      this.remember(run.project, [run.id]);
    return true;
  }

  /** Adds these to the latest runs of a project. */
  protected remember(project: string, ids: readonly number[]): void {
    const known = this.histories.get(project) ?? [];
    if (ids.some((id) => !known.includes(id)) || !this.histories.has(project))
      this.histories.set(project, [...new Set([...known, ...ids])].sort((a, b) => b - a).slice(0, HISTORY_LENGTH));
  }

  history(project: string): Run[] {
    return (this.histories.get(project) ?? []).flatMap((id) => this.runs.get(id) ?? []);
  }

  /** The known runs that repeat this one, oldest first. */
  rerunsOf(id: number): Run[] {
    return [...this.runs.values()].filter((run) => run.rerunOf === id).sort((a, b) => a.id - b.id);
  }

  /** The run that holds the project, else the first in its queue, else the latest. */
  currentRun(project: string): Run | undefined {
    const active = this.unendedOf.get(project)?.find((run) => holdsProject(run.status));
    const latest = this.histories.get(project)?.[0];
    return active ?? this.queue(project)[0] ?? (latest === undefined ? undefined : this.runs.get(latest));
  }

  /** The queued runs of a project, in the order in which they will begin. */
  queue(project: string): Run[] {
    const queued = (this.unendedOf.get(project) ?? []).filter((run) => run.status === 'queued');
    return queued.sort((a, b) => (a.queuePosition ?? a.id) - (b.queuePosition ?? b.id));
  }

  /** The known run that was started to replace this one. */
  replacementOf(run: Run): Run | undefined {
    return [...this.queue(run.project), ...this.history(run.project)].find(({ replaces }) => replaces === run.id);
  }

  /** What a queued run waits for, in words. The first in the queue begins when the active run is expected to end. */
  waitOf(run: Run, now: number): string {
    const isFirst = run.queuePosition === 1 && !run.waitsFor.length;
    const active = isFirst ? this.unendedOf.get(run.project)?.find(({ status }) => holdsProject(status)) : undefined;
    const left = active ? timeLeft(active, this.medians(run.project, active.id), now) : null;
    return formatWait(left === null ? run : { ...run, estimatedStartAt: now + left }, now);
  }

  readonly medians = (project: string, except?: number): Medians => mediansOf(this.history(project), except);
}
