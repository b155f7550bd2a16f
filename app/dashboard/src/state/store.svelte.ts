/**
 * The tab's copy of the service's state: projects, runs, and the connection. Updated by responses and by the stream; an
 * older state of a run never replaces a newer one. Pages read it and call it to load what they need.
 */
import { SvelteMap } from 'svelte/reactivity';
import * as api from '../api/client';
import { type ConflictPolicy, type LogRecord, type Run } from '../api/mapping';
import { type Family, type Project } from '../api/projects';
import { NO_RIGHTS, Rights } from '../api/rights';
import type { Connection } from '../live/connection';
import { EventStream } from '../live/event_stream';
import { SharedStream } from '../live/shared_stream';
import { hasEnded } from '../runs/status';
import { announcer } from './announcer.svelte';
import { clock } from './clock.svelte';
import { HISTORY_LENGTH, KnownRuns } from './known_runs.svelte';

/** The API's maximum for one page. */
const MAX_RUNS = 1000;
/** Enough for the runs of a day in most services. */
const MIN_RUNS = 200;
/** More than a page shows. */
const MAX_RERUNS = 20;
const HIDDEN_GRACE_MS = 2_000;
const STALE_AFTER_MS = 3_000; // A restart of the service takes less.

class Store extends KnownRuns {
  /** Declared projects, and projects of families that have runs; null until loaded. */
  projects: readonly Project[] | null = $state.raw(null);
  families: readonly Family[] = $state.raw([]);
  /** What the user may do: buttons that the service would refuse are not shown. */
  rights: Rights = $state.raw(NO_RIGHTS);
  /** Whether other processes may execute runs too. */
  isShared = $state(false);
  /** Of runs that were started here with an earlier version of solorun.toml: the faults of the present one. */
  readonly outdatedRuns = new SvelteMap<number, readonly string[]>();
  connection: Connection = $state.raw({ state: 'connecting' });
  /** The time that the data is from, once the service has been unreachable for some seconds. */
  staleSince: number | null = $state(null);
  /** Why a button that needs the service is disabled. */
  readonly waitsFor = $derived(this.staleSince === null ? undefined : 'Waits for the connection to the service');

  /** The last key that was pressed and waits for the connection, too. */
  waitingKey = $state('');

  /** A status in words: `was running` while the service is unreachable. */
  readonly wordOf = (state: string): string => (this.staleSince === null || hasEnded(state) ? state : `was ${state}`);
  /** All runs created since this time are loaded. */
  completeSince = $state(Infinity);
  /** Increases with every snapshot. Pages that show more than active runs reload when it does. */
  epoch = $state(0);
  /** Whether the histories have only what is among the latest runs of all projects. */
  private isBrief = false;
  private readonly listeners = new Map<number, Set<(records: readonly LogRecord[]) => void>>();
  private staleTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly loading = new Map<string, Promise<void>>();
  private readonly stream = new SharedStream(
    {
      locks: navigator.locks,
      openChannel: () => new BroadcastChannel(`solorun${api.API}`),
      openStream: (events) => new EventStream(`${api.API}/events`, events),
    },
    {
      snapshot: (runs) => this.applySnapshot(runs),
      run: (run) => this.put(run, true),
      records: (runId, records) => this.listeners.get(runId)?.forEach((listen) => listen(records)),
      connection: (connection) => this.applyConnection(connection),
    },
  );

  connect(): void {
    api.responseHooks.expired = () => (this.connection = { state: 'expired' });
    api.responseHooks.forbidden = () => void this.loadProjects().catch(() => undefined);
    api.responseHooks.skew = (skew) => clock.correct(skew);
    let hiding: ReturnType<typeof setTimeout> | undefined;
    const update = (): void => {
      clearTimeout(hiding);
      if (document.hidden) hiding = setTimeout(() => this.stream.close(), HIDDEN_GRACE_MS);
      else this.stream.open();
    };
    document.addEventListener('visibilitychange', update);
    addEventListener('pagehide', () => this.stream.close());
    addEventListener('pageshow', update);
    addEventListener('online', () => this.connection.state !== 'connected' && this.retryNow());
    update();
    // A page that needs the projects loads them again, and shows why that failed.
    void this.loadProjects().catch(() => undefined);
  }

  readonly retryNow = (): void => this.stream.retryNow();

  project(name: string): Project | undefined {
    return this.projects?.find((project) => project.name === name);
  }

  /** Why an earlier version of solorun.toml is in use. */
  readonly configurationFaults: readonly string[] = $derived(this.projects?.[0]?.configurationFaults ?? []);

  async loadReruns(id: number): Promise<void> {
    const { runs } = await api.listRuns({ rerun_of: id, limit: MAX_RERUNS });
    for (const run of runs) this.putListed(run);
  }

  /** Calls `listen` with a run's records after this seq. Returns a function that stops it. */
  follow(runId: number, after: number, listen: (records: readonly LogRecord[]) => void): () => void {
    const listeners = this.listeners.get(runId) ?? new Set();
    this.listeners.set(runId, listeners.add(listen));
    const unfollow = this.stream.follow(runId, after);
    return () => {
      listeners.delete(listen);
      unfollow();
    };
  }

  loadProjects(): Promise<void> {
    return this.deduplicate('projects', () => this.readProjects());
  }

  private async readProjects(): Promise<void> {
    const known = new Set(this.unended.map(({ project }) => project));
    const list = await api.listProjects();
    this.expect(list.projects.map(({ name }) => name));
    for (const { lastRun, currentRun, queuedRuns } of list.projects)
      for (const run of [lastRun, currentRun, ...queuedRuns]) if (run) this.putListed(run);
    this.families = list.families;
    this.projects = list.projects;
    this.rights = new Rights(list);
    this.isShared = list.isShared;
    // The first run of a family's member may have started in the meantime.
    if (this.unended.some(({ project }) => !known.has(project) && !this.project(project))) await this.readProjects();
  }

  loadHistory(project: string): Promise<void> {
    return this.deduplicate(`history ${project}`, async () => {
      const limit = Math.min(MAX_RUNS, HISTORY_LENGTH + this.queue(project).length);
      const { runs } = await api.listRuns({ project, limit });
      this.putHistory(project, runs);
    });
  }

  /**
   * Loads the latest runs of these projects with one request. Only projects whose runs are so rare that they are not
   * among the latest of all need one more each, unless the latest of all are enough.
   */
  loadHistories(projects: readonly string[], isBrief = this.isBrief): Promise<void> {
    this.isBrief = isBrief;
    return this.deduplicate(`histories ${isBrief}`, async () => {
      const wanted = isBrief ? MIN_RUNS : Math.max(MIN_RUNS, HISTORY_LENGTH * projects.length);
      const limit = projects.length && Math.min(MAX_RUNS, wanted);
      const { runs, nextCursor } = limit ? await api.listRuns({ limit }) : { runs: [], nextCursor: null };
      for (const run of runs) this.putListed(run);
      this.completeSince = nextCursor === null ? 0 : (runs[runs.length - 1]?.createdAt ?? Infinity);
      for (const project of projects) {
        const own = runs.filter((run) => run.project === project && run.status !== 'queued').slice(0, HISTORY_LENGTH);
        this.putHistory(project, own);
        // Without a run there is nothing older either: the project's summary has its last one.
        const isComplete = isBrief || nextCursor === null || own.length === HISTORY_LENGTH || !this.currentRun(project);
        if (!isComplete) await this.loadHistory(project);
      }
    });
  }

  private putHistory(project: string, runs: readonly Run[]): void {
    for (const run of runs) this.putListed(run);
    this.remember(
      project,
      runs.filter(({ status }) => status !== 'queued').map(({ id }) => id),
    );
  }

  async loadRun(id: number): Promise<Run> {
    await this.deduplicate(`run ${id}`, async () => this.putListed(await api.getRun(id)));
    return this.runs.get(id)!;
  }

  async start(project: string, scope: string, params: Run['params'], onConflict?: ConflictPolicy): Promise<Run> {
    return this.putStarted(await api.startRun(project, scope, params, onConflict));
  }

  async runSchedule(...schedule: Parameters<typeof api.runSchedule>): Promise<Run> {
    return this.putStarted(await api.runSchedule(...schedule));
  }

  async rerun(id: number, from: string, params: api.GivenParams, onConflict?: ConflictPolicy): Promise<Run> {
    return this.putStarted(await api.rerun(id, from, params, onConflict));
  }

  private putStarted({ run, configurationFaults }: Awaited<ReturnType<typeof api.startRun>>): Run {
    this.put(run);
    if (configurationFaults.length) this.outdatedRuns.set(run.id, configurationFaults);
    if (!this.project(run.project) || configurationFaults.length) void this.loadProjects().catch(() => undefined);
    return run;
  }

  /** The runs that were cancelled in this tab. */
  readonly cancelledHere = new Set<number>();

  async cancel(id: number, { reason = '', now = false }: { reason?: string; now?: boolean }): Promise<void> {
    if (this.runs.get(id)?.cancelRequestedAt === null) this.cancelledHere.add(id);
    try {
      this.put(await api.cancelRun(id, reason, now));
    } catch (error) {
      if (error instanceof api.Problem && error.run) this.put(error.run);
      throw error;
    }
  }

  async setPinned(id: number, pinned: boolean): Promise<void> {
    this.put(await api.setPinned(id, pinned));
    announcer.announce(`${pinned ? 'Pinned' : 'Unpinned'} run ${id}`);
  }

  /**
   * Adds a run of a response, which may be older than the stream's. Queued runs have no records that would show it, so
   * theirs is kept: the stream sends every change of a run's place in the queue.
   */
  putListed(run: Run): void {
    if (run.status !== 'queued' || this.runs.get(run.id)?.status !== 'queued') this.put(run);
  }

  put(run: Run, isUpdate = false): void {
    const known = this.runs.get(run.id);
    if (!this.add(run)) return;
    // A member of a family appears with its first run.
    if (!known && !hasEnded(run.status) && this.projects && !this.project(run.project)) void this.loadProjects();
    if (isUpdate && known?.status !== run.status) announcer.announceStatus(run);
  }

  private applySnapshot(runs: readonly Run[]): void {
    const present = new Set(runs.map(({ id }) => id));
    for (const run of runs) this.put(run);
    for (const run of this.runs.values())
      if (!hasEnded(run.status) && !present.has(run.id)) void this.loadRun(run.id).catch(() => undefined);
    if (this.epoch > 0) {
      void this.loadProjects().catch(() => undefined);
      void this.loadHistories([...this.histories.keys()]).catch(() => undefined);
    }
    this.epoch++;
  }

  private applyConnection(connection: Connection): void {
    const was = this.connection.state;
    this.connection = connection;
    if (connection.state === 'connected' || connection.state === 'polling') clock.resume();
    // Durations are as old as the data.
    if (connection.state !== 'connected') clock.stop();
    if (!('retryAt' in connection)) {
      clearTimeout(this.staleTimer);
      this.staleTimer = undefined;
      this.staleSince = null;
      this.waitingKey = '';
    } else this.staleTimer ??= setTimeout(() => (this.staleSince = connection.asOf), STALE_AFTER_MS);
    if (was !== connection.state) announcer.announceConnection(connection);
  }

  /** Makes one request at a time per key. */
  private deduplicate(key: string, load: () => Promise<void>): Promise<void> {
    const running = this.loading.get(key);
    if (running) return running;
    const promise = load().finally(() => this.loading.delete(key));
    this.loading.set(key, promise);
    return promise;
  }
}

export const store = new Store();
