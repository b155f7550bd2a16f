/**
 * Converts the API's types to the app's: names in camelCase, times in milliseconds, strings narrowed to unions. Every
 * response and event passes through here, or through `projects.ts`, `hooks.ts`, `notifications.ts`, `starts.ts`,
 * `resources.ts` and `workers.ts`.
 */
import type { Status, StepStatus } from '../runs/status';
import type { components } from './schema';

type Wire = components['schemas'];

export const LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type Level = (typeof LEVELS)[number];
export type LevelCounts = Record<Level, number>;

export const EVENTS = ['step', 'group', 'progress', 'artifact', 'cancel'] as const;
export type EventName = (typeof EVENTS)[number];

export type ConflictPolicy = Wire['ConflictPolicy'];

export type ParamValue = string | number | boolean | readonly string[];

/** One try of a step that may be tried again. */
export interface Attempt {
  readonly number: number;
  readonly status: StepStatus;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly exitCode: number | null;
  readonly errorMessage: string | null;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
}

export interface RunStep {
  readonly name: string;
  readonly status: StepStatus;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly exitCode: number | null;
  readonly errorMessage: string | null;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  /** How many slots of each resource it requires for itself. */
  readonly resources: Readonly<Record<string, number>>;
  /** The slots that it holds, or held, by resource. */
  readonly slots: Slots;
  readonly maxAttempts: number;
  /** Empty for a step without retries. */
  readonly attempts: readonly Attempt[];
  /** When the next attempt begins, while the step waits for it. */
  readonly nextAttemptAt: number | null;
}

export type Slots = Readonly<Record<string, readonly number[]>>;

/** What came of a cancel. Absent values are null, as for a cancel that stopped no step. */
export interface Cancel {
  readonly requestedAt: number;
  readonly requestedBy: string;
  readonly reason: string;
  readonly graceMs: number | null;
  readonly signalledAt: number | null;
  /** Where the step was then, outermost first. */
  readonly position: readonly string[];
  readonly effect: 'stopped' | 'ignored' | 'killed' | null;
  readonly settledAt: number | null;
}

export interface Run {
  readonly id: number;
  readonly project: string;
  readonly scope: string;
  readonly status: Status;
  readonly triggeredBy: string;
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly createdAt: number;
  /** The run that this one repeats. */
  readonly rerunOf: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly cancelRequestedAt: number | null;
  readonly cancelRequestedBy: string | null;
  readonly cancelReason: string | null;
  readonly cancel: Cancel | null;
  readonly errorMessage: string | null;
  readonly currentStep: string | null;
  readonly progressCurrent: number | null;
  readonly progressTotal: number | null;
  readonly progressItem: string | null;
  readonly lastSeq: number;
  readonly levelCounts: Readonly<LevelCounts>;
  readonly firstErrorSeq: number | null;
  readonly steps: readonly RunStep[];
  readonly slots: Slots;
  /** The run that was cancelled for this one to begin. */
  readonly replaces: number | null;
  /** From 1 within its project; null unless the run is queued. */
  readonly queuePosition: number | null;
  /** When a queued run is cancelled because it has waited too long. */
  readonly queueDeadline: number | null;
  /** The resources that a queued run waits for. It waits for its project if there are none. */
  readonly waitsFor: readonly string[];
  readonly estimatedStartAt: number | null;
  /** Whether the run is never deleted. */
  readonly pinned: boolean;
  /** The process that executes the run, or executed it. Null until one has claimed it. */
  readonly worker: string | null;
  /** The labels that a worker must have to execute it. */
  readonly labels: readonly string[];
  /** The last workers that refused it, oldest first. */
  readonly refusals: readonly Refusal[];
}

/** A worker that cannot execute a run, since when, and why. */
export interface Refusal {
  readonly worker: string;
  readonly refusedAt: number;
  readonly reason: string;
}

/** One entry of a run's log. `time` stays a string, because only visible rows need a date. */
export interface LogRecord {
  readonly seq: number;
  readonly time: string;
  readonly level: Level;
  readonly step: string | null;
  readonly stream: string;
  readonly message: string;
  readonly event: EventName | null;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly partial: boolean;
}

export interface LogPage {
  readonly records: readonly LogRecord[];
  readonly totalMatches: number;
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
  /** Where the following page begins if a limit has cut this one: a value for `after`, or for `before` without it. */
  readonly next: number | null;
  /** If asked for: the records around the match that is nearest to the bound, whatever the filters, and that match. */
  readonly context: readonly LogRecord[];
}

export interface Artifact {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly createdAt: number;
}

export const toTime = (text: string | null | undefined): number | null => (text ? Date.parse(text) : null);

export function toRun(wire: Wire['Run']): Run {
  return {
    id: wire.id,
    project: wire.project,
    scope: wire.scope,
    status: wire.status,
    triggeredBy: wire.triggered_by,
    params: wire.params,
    createdAt: Date.parse(wire.created_at),
    rerunOf: wire.rerun_of ?? null,
    startedAt: toTime(wire.started_at),
    finishedAt: toTime(wire.finished_at),
    cancelRequestedAt: toTime(wire.cancel_requested_at),
    cancelRequestedBy: wire.cancel_requested_by ?? null,
    cancelReason: wire.cancel_reason ?? null,
    cancel: wire.cancel ? toCancel(wire.cancel) : null,
    errorMessage: wire.error_message ?? null,
    currentStep: wire.current_step ?? null,
    progressCurrent: wire.progress_current ?? null,
    progressTotal: wire.progress_total ?? null,
    progressItem: wire.progress_item ?? null,
    lastSeq: wire.last_seq ?? 0,
    levelCounts: wire.level_counts as LevelCounts,
    firstErrorSeq: wire.first_error_seq ?? null,
    steps: (wire.steps ?? []).map((step) => ({
      name: step.name,
      status: step.status as StepStatus,
      startedAt: toTime(step.started_at),
      finishedAt: toTime(step.finished_at),
      exitCode: step.exit_code ?? null,
      errorMessage: step.error_message ?? null,
      firstSeq: step.first_seq ?? null,
      lastSeq: step.last_seq ?? null,
      resources: step.resources ?? {},
      slots: step.slots ?? {},
      maxAttempts: step.max_attempts ?? 1,
      attempts: (step.attempts ?? []).map(toAttempt),
      nextAttemptAt: toTime(step.next_attempt_at),
    })),
    slots: wire.slots ?? {},
    replaces: wire.replaces ?? null,
    queuePosition: wire.queue_position ?? null,
    queueDeadline: toTime(wire.queue_deadline),
    waitsFor: wire.waits_for ?? [],
    estimatedStartAt: toTime(wire.estimated_start_at),
    pinned: wire.pinned ?? false,
    worker: wire.worker ?? null,
    labels: wire.labels ?? [],
    refusals: (wire.refusals ?? []).map((refusal) => ({
      worker: refusal.worker,
      refusedAt: Date.parse(refusal.refused_at),
      reason: refusal.reason,
    })),
  };
}

const toAttempt = (wire: Wire['Attempt']): Attempt => ({
  number: wire.number,
  status: wire.status,
  startedAt: Date.parse(wire.started_at),
  finishedAt: toTime(wire.finished_at),
  exitCode: wire.exit_code ?? null,
  errorMessage: wire.error_message ?? null,
  firstSeq: wire.first_seq ?? null,
  lastSeq: wire.last_seq ?? null,
});

const toCancel = (wire: Wire['Cancel']): Cancel => ({
  requestedAt: Date.parse(wire.requested_at),
  requestedBy: wire.requested_by,
  reason: wire.reason ?? '',
  graceMs: typeof wire.grace_seconds === 'number' ? wire.grace_seconds * 1000 : null,
  signalledAt: toTime(wire.signalled_at),
  position: wire.position ?? [],
  effect: wire.effect ?? null,
  settledAt: toTime(wire.settled_at),
});

export function toRecord(wire: Wire['Record']): LogRecord {
  return {
    seq: wire.seq,
    time: wire.time,
    level: wire.level,
    step: wire.step ?? null,
    stream: wire.stream,
    message: wire.message,
    event: wire.event ?? null,
    data: (wire.data as Readonly<Record<string, unknown>> | null | undefined) ?? null,
    partial: wire.partial ?? false,
  };
}

export function toLogPage(wire: Wire['LogPage']): LogPage {
  return {
    records: wire.records.map(toRecord),
    totalMatches: wire.matches,
    moreBefore: wire.more_before,
    moreAfter: wire.more_after,
    next: wire.next ?? null,
    context: (wire.context ?? []).map(toRecord),
  };
}

export function toArtifact(wire: Wire['Artifact']): Artifact {
  return {
    name: wire.name,
    sizeBytes: wire.size_bytes,
    mediaType: wire.media_type,
    createdAt: Date.parse(wire.created_at),
  };
}
