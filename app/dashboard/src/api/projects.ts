/** Projects, families of projects, and their parameters: from the API's types to the app's. */
import { type Hook, toHook } from './hooks';
import { type ConflictPolicy, type ParamValue, type Run, toRun } from './mapping';
import type { Right } from './rights';
import type { components } from './schema';

type Wire = components['schemas'];

/** A parameter as its project declares it. */
export interface Parameter {
  readonly name: string;
  readonly type: Wire['ParameterType'];
  readonly required: boolean;
  readonly description: string;
  readonly default: ParamValue | null;
  readonly choices: readonly string[];
  readonly secret: boolean;
  readonly min: number | null;
  readonly max: number | null;
}

export interface Project {
  readonly name: string;
  readonly title: string;
  readonly steps: readonly string[];
  /** The steps that are Python functions. They have no process that could be killed. */
  readonly functions: readonly string[];
  readonly scopes: readonly string[];
  readonly params: readonly Parameter[];
  /** What a start does by default if the project or a resource is taken. */
  readonly onConflict: ConflictPolicy;
  readonly currentRun: Run | null;
  readonly lastRun: Run | null;
  /** In the order in which they will begin. */
  readonly queuedRuns: readonly Run[];
  readonly hooks: readonly Hook[];
  /** The notification targets that receive news about its runs. */
  readonly notify: readonly string[];
  /** Why an earlier version of solorun.toml is in use. */
  readonly configurationFaults: readonly string[];
  /** What the user may do with it. */
  readonly rights: readonly Right[];
}

export interface Family {
  readonly pattern: string;
  readonly title: string;
  readonly scopes: readonly string[];
  readonly params: readonly Parameter[];
  readonly projects: readonly string[];
  readonly rights: readonly Right[];
}

export function toProject(wire: Wire['ProjectSummary']): Project {
  return {
    name: wire.name,
    title: wire.title,
    steps: wire.steps.map((step) => step.name),
    functions: wire.steps.filter(({ kind }) => kind !== 'command').map(({ name }) => name),
    scopes: wire.scopes,
    params: wire.params.map(toParameter),
    onConflict: wire.on_conflict ?? 'reject',
    currentRun: wire.current_run ? toRun(wire.current_run) : null,
    lastRun: wire.last_run ? toRun(wire.last_run) : null,
    queuedRuns: (wire.queued_runs ?? []).map(toRun),
    hooks: (wire.hooks ?? []).map(toHook),
    notify: wire.notify ?? [],
    configurationFaults: wire.configuration_faults ?? [],
    rights: wire.rights ?? [],
  };
}

export function toFamily(wire: Wire['FamilySummary']): Family {
  return {
    pattern: wire.pattern,
    title: wire.title,
    scopes: wire.scopes,
    params: wire.params.map(toParameter),
    projects: wire.projects,
    rights: wire.rights ?? [],
  };
}

function toParameter(wire: Wire['Parameter']): Parameter {
  return {
    name: wire.name,
    type: wire.type ?? 'string',
    required: wire.required ?? false,
    description: wire.description ?? '',
    default: wire.default ?? null,
    choices: wire.choices ?? [],
    secret: wire.secret ?? false,
    min: wire.min ?? null,
    max: wire.max ?? null,
  };
}
