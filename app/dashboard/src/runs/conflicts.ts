/** What a start does if its project or a resource is taken, in words. */
import type { ConflictPolicy, Run } from '../api/mapping';
import type { Parameter } from '../api/projects';
import type { Choices } from '../api/starts';
import { formatBegin } from './format';
import { type FieldValues, toFields } from './params';

export interface Option {
  readonly policy: ConflictPolicy;
  readonly label: string;
  /** What the policy would do, or why it is not possible. */
  readonly sentence: string;
  readonly isPossible: boolean;
}

const POLICIES: Readonly<Record<Exclude<ConflictPolicy, 'reject'>, string>> = {
  join: 'If the project is busy, you join its active run if that does the same work. Otherwise, the start is refused.',
  queue: 'If the project or a resource is busy, the run waits in the queue.',
  replace: 'If the project is busy, its active run is cancelled, and the new run begins when that one has stopped.',
};

/** Null for `reject`, which offers the others when it refuses a start. */
export const describePolicy = (policy: ConflictPolicy): string | null =>
  policy === 'reject' ? null : POLICIES[policy];

/** How a start differs from the active run. */
export interface WorkDifference {
  readonly isSame: boolean;
  readonly isSameScope: boolean;
  /** The parameters whose values differ. */
  readonly params: readonly string[];
}

export function compareWork(
  run: Run,
  scope: string,
  fields: FieldValues,
  declared: readonly Parameter[],
): WorkDifference {
  const given = toFields(declared, run.params);
  const params = declared.map(({ name }) => name).filter((name) => given[name] !== fields[name]);
  const isSameScope = run.scope === scope;
  return { isSame: isSameScope && params.length === 0, isSameScope, params };
}

/** `Same scope, different parameters: model, seed.` */
export function describeDifference({ isSameScope, params }: WorkDifference): string {
  const scope = isSameScope ? 'Same scope' : 'Different scope';
  if (params.length) return `${scope}, different parameters: ${params.join(', ')}.`;
  return isSameScope ? 'Same scope and parameters.' : 'Different scope, same parameters.';
}

/**
 * What a start can do while its project is busy, the preselected policy first: the declared one, unless that would be
 * refused.
 */
export function policiesWhileBusy(declared: ConflictPolicy, isSame: boolean, mayCancel: boolean): ConflictPolicy[] {
  const possible: ConflictPolicy[] = [
    'queue',
    ...(isSame ? (['join'] as const) : []),
    ...(mayCancel ? (['replace'] as const) : []),
    'reject',
  ];
  const first = declared !== 'reject' && possible.includes(declared) ? declared : 'queue';
  return [first, ...possible.filter((policy) => policy !== first)];
}

/** The button that starts the run. */
export function labelOfStart(policy: ConflictPolicy, active: number, label: string): string {
  return { queue: 'Queue run', join: `Join run #${active}`, replace: `Replace run #${active}`, reject: label }[policy];
}

/** What a refused start can do instead. Without an active run, there is nothing to join or to replace. */
export function optionsOf({ join, queue, replace }: Choices, now: number): Option[] {
  const begin = queue.estimatedStartAt === null ? '' : `, and ${formatBegin(queue.estimatedStartAt, now)}`;
  const options: Option[] = [
    {
      policy: 'queue',
      label: 'Queue',
      isPossible: queue.isPossible,
      sentence: queue.isPossible
        ? `Waits in the queue as number ${queue.position}${begin}.`
        : `Queueing is not possible: ${queue.reason}.`,
    },
  ];
  if (join.runId !== null)
    options.unshift({
      policy: 'join',
      label: `Join run #${join.runId}`,
      isPossible: join.isPossible,
      sentence: join.isPossible
        ? `Opens run #${join.runId}, which does the same work.`
        : `Joining run #${join.runId} is not possible: ${join.reason}.`,
    });
  if (replace.cancels !== null)
    options.push({
      policy: 'replace',
      label: `Replace run #${replace.cancels}`,
      isPossible: true,
      sentence: `Cancels run #${replace.cancels} and begins when that run has stopped.`,
    });
  return options;
}
