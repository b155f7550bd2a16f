/** What a start or a rerun would do, converted from the API's types. */
import type { StepStatus } from '../runs/status';
import { toTime } from './mapping';
import type { components } from './schema';

type Wire = components['schemas'];

/** What the conflict policies would do with a start that was refused. */
export interface Choices {
  readonly join: { readonly isPossible: boolean; readonly runId: number | null; readonly reason: string | null };
  readonly queue: {
    readonly isPossible: boolean;
    readonly position: number | null;
    readonly estimatedStartAt: number | null;
    readonly reason: string | null;
  };
  /** The run that would be cancelled; null if only resources are taken. */
  readonly replace: { readonly cancels: number | null };
}

/** What a rerun would do. */
export interface RerunPreview {
  readonly steps: readonly string[];
  /** The steps before them, each with the last run that executed it, and how the step ended there. */
  readonly skipped: readonly {
    readonly name: string;
    readonly runId: number | null;
    readonly status: StepStatus | null;
  }[];
  readonly latestRunId: number;
  /** The workers that have these results, if other ones lack them. */
  readonly resultsOn: readonly string[];
}

export function toChoices({ join, queue, replace }: Wire['Choices']): Choices {
  return {
    join: { isPossible: join.possible, runId: join.run_id, reason: join.reason ?? null },
    queue: {
      isPossible: queue.possible,
      position: queue.position,
      estimatedStartAt: toTime(queue.estimated_start_at),
      reason: queue.reason ?? null,
    },
    replace: { cancels: replace.possible === false ? null : replace.cancels },
  };
}

export function toRerunPreview(wire: Wire['RerunPreview']): RerunPreview {
  return {
    steps: wire.steps,
    skipped: wire.skipped.map((step) => ({
      name: step.name,
      runId: step.run_id ?? null,
      status: (step.status as StepStatus | null | undefined) ?? null,
    })),
    latestRunId: wire.latest_run_id,
    resultsOn: wire.results_on ?? [],
  };
}
