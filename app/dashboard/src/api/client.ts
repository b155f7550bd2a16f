/** The service's HTTP API as functions, but for subjects with a module of their own. They return the app's types, and
 * throw a Problem for every error response.
 */
import createClient from 'openapi-fetch';
import {
  type Artifact,
  type ConflictPolicy,
  type LogPage,
  type ParamValue,
  type Run,
  toArtifact,
  toLogPage,
  toRun,
} from './mapping';
import { toFamily, toProject } from './projects';
import { basePath } from './base_path';
import type { ProjectList } from './rights';
import type { components, paths } from './schema';
import { skewOf } from './skew';
import { sendUntilAnswered } from './start_key';
import { type Choices, type RerunPreview, toChoices, toRerunPreview } from './starts';

type ProblemDetails = components['schemas']['ProblemDetails'];

/** An error response, with the service's message. `slug` is stable; status 0 means that there was no response. */
export class Problem extends Error {
  readonly slug: string;
  readonly status: number;
  /** The run that prevented a start, or that had already ended when it was to be cancelled. */
  readonly run: Run | null;
  /** What a refused start can do instead. */
  readonly choices: Choices | null;
  readonly fieldErrors: readonly { readonly pointer: string; readonly message: string }[];

  constructor(status: number, details?: Partial<ProblemDetails>) {
    super(
      (status === 401 && 'Your session has expired.') ||
        details?.detail ||
        details?.title ||
        (status ? `The service returned HTTP ${status}.` : 'The service is not responding.'),
    );
    this.status = status;
    this.slug = details?.type?.split('/').pop() ?? '';
    const run = details?.active_run ?? details?.run;
    this.run = run ? toRun(run) : null;
    this.choices = details?.choices ? toChoices(details.choices) : null;
    this.fieldErrors = details?.errors ?? [];
  }
}

/** Callbacks for what any response can reveal: an expired session, and the service's clock. */
export const responseHooks = {
  expired: (): void => undefined,
  /** The user has a right less than the page assumes. */
  forbidden: (): void => undefined,
  /** The service's clock minus ours, in milliseconds. */
  skew: (_milliseconds: number): void => undefined,
};

async function request(input: Request): Promise<Response> {
  const sent = Date.now();
  let response: Response;
  try {
    response = await fetch(input);
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new Problem(0);
  }
  const date = Date.parse(response.headers.get('date') ?? '');
  if (date) responseHooks.skew(skewOf(date, sent, Date.now()));
  if (response.ok) return response;
  if (response.status === 401) responseHooks.expired();
  if (response.status === 403) responseHooks.forbidden();
  const details = (await response.json().catch(() => undefined)) as Partial<ProblemDetails> | undefined;
  throw new Problem(response.status, details);
}

export const API = `${basePath}/api/v1`;
/** What the modules of single subjects send their requests with. */
export const client = createClient<paths>({ baseUrl: location.origin + basePath, fetch: request });

export async function listProjects(): Promise<ProjectList> {
  const { data } = await client.GET('/api/v1/projects');
  const { families, rights = [], undeclared = {}, shares_database: isShared = false } = data!;
  const projects = [...data!.projects, ...(data!.members ?? [])].map(toProject);
  return { projects, families: families.map(toFamily), rights, undeclared, isShared };
}

export interface RunsQuery {
  readonly project?: string | undefined;
  readonly status?: string | undefined;
  readonly rerun_of?: number | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export async function listRuns({ project, ...query }: RunsQuery): Promise<{ runs: Run[]; nextCursor: string | null }> {
  const { data } =
    project === undefined
      ? await client.GET('/api/v1/runs', { params: { query: query as never } })
      : await client.GET('/api/v1/projects/{project}/runs', { params: { path: { project }, query: query as never } });
  return { runs: data!.runs.map(toRun), nextCursor: data!.next_cursor };
}

export async function getRun(id: number): Promise<Run> {
  const { data } = await client.GET('/api/v1/runs/{run_id}', { params: { path: { run_id: id } } });
  return toRun(data!);
}

interface Started {
  readonly run: Run;
  readonly configurationFaults: readonly string[];
}

/** Without a policy, the start does what the project declares. */
export async function startRun(
  project: string,
  scope: string,
  params: Run['params'],
  onConflict?: ConflictPolicy,
): Promise<Started> {
  const given = params as Record<string, string | number | boolean | string[]>;
  const body = { scope, params: given, triggered_by: 'dashboard', ...(onConflict && { on_conflict: onConflict }) };
  const { data } = await sendUntilAnswered(JSON.stringify([project, body]), (key) =>
    client.POST('/api/v1/projects/{project}/runs', {
      params: { path: { project }, header: { 'Idempotency-Key': key } },
      body,
    }),
  );
  return { run: toRun(data!), configurationFaults: data!.configuration_faults ?? [] };
}

/** Without a policy, the start does what the schedule declares. */
export async function runSchedule(schedule: string, onConflict?: ConflictPolicy): Promise<Started> {
  const body = { triggered_by: 'dashboard', ...(onConflict && { on_conflict: onConflict }) };
  const { data } = await sendUntilAnswered(JSON.stringify([schedule, body]), (key) =>
    client.POST('/api/v1/schedules/{schedule}/run', {
      params: { path: { schedule }, header: { 'Idempotency-Key': key } },
      body,
    }),
  );
  return { run: toRun(data!), configurationFaults: data!.configuration_faults ?? [] };
}

/** Values of parameters; null stands for the default. */
export type GivenParams = Readonly<Record<string, ParamValue | null>>;

/** `from` is `start`, `failed` or the name of a step. `params` replace those of the run. */
export async function rerun(
  id: number,
  from: string,
  params: GivenParams,
  onConflict?: ConflictPolicy,
): Promise<Started> {
  const given = params as Record<string, string | number | boolean | string[] | null>;
  const body = { from, params: given, triggered_by: 'dashboard', ...(onConflict && { on_conflict: onConflict }) };
  const { data } = await sendUntilAnswered(JSON.stringify([id, body]), (key) =>
    client.POST('/api/v1/runs/{run_id}/rerun', {
      params: { path: { run_id: id }, header: { 'Idempotency-Key': key } },
      body,
    }),
  );
  const started = data as components['schemas']['StartedRun'];
  return { run: toRun(started), configurationFaults: started.configuration_faults ?? [] };
}

export async function previewRerun(id: number, from: string, signal: AbortSignal): Promise<RerunPreview> {
  const { data } = await client.POST('/api/v1/runs/{run_id}/rerun', {
    params: { path: { run_id: id }, query: { preview: true } },
    body: { from },
    signal,
  });
  return toRerunPreview(data as components['schemas']['RerunPreview']);
}

/** `now` ends the grace, also that of an earlier cancel. */
export async function cancelRun(id: number, reason: string, now: boolean): Promise<Run> {
  const { data } = await client.POST('/api/v1/runs/{run_id}/cancel', {
    params: { path: { run_id: id } },
    body: { reason, requested_by: 'dashboard', ...(now && { grace_seconds: 0 }) },
  });
  return toRun(data!);
}

/** A pinned run is never deleted. */
export async function setPinned(id: number, pinned: boolean): Promise<Run> {
  const params = { path: { run_id: id } };
  const { data } = pinned
    ? await client.POST('/api/v1/runs/{run_id}/pin', { params })
    : await client.DELETE('/api/v1/runs/{run_id}/pin', { params });
  return toRun(data!);
}

export async function readLog(id: number, query: object, signal?: AbortSignal): Promise<LogPage> {
  const { data } = await client.GET('/api/v1/runs/{run_id}/log', {
    params: { path: { run_id: id }, query: query as never },
    ...(signal && { signal }),
  });
  return toLogPage(data!);
}

export interface ListedArtifacts {
  readonly artifacts: readonly Artifact[];
  readonly hasMore: boolean;
  /** Whether the run has more than the service ever lists. */
  readonly isCut: boolean;
}

/** The first pages of the list. */
export async function listArtifacts(id: number, pages: number, cursor?: string): Promise<ListedArtifacts> {
  const { data } = await client.GET('/api/v1/runs/{run_id}/artifacts', {
    params: { path: { run_id: id }, query: cursor === undefined ? {} : { cursor } },
  });
  const { artifacts: wire, next_cursor: next, truncated } = data!;
  const artifacts = wire.map(toArtifact);
  if (next === null || pages <= 1) return { artifacts, hasMore: next !== null, isCut: truncated };
  const rest = await listArtifacts(id, pages - 1, next);
  return { ...rest, artifacts: [...artifacts, ...rest.artifacts] };
}

export const artifactAddress = (id: number, name: string): string =>
  `${API}/runs/${id}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}`;

export async function readArtifact(id: number, name: string, signal?: AbortSignal): Promise<Response> {
  return request(new Request(artifactAddress(id, name), signal ? { signal } : {}));
}

/** Starts a session. Returns false if the token is wrong. */
export async function logIn(token: string): Promise<boolean> {
  const body = new URLSearchParams({ token });
  const response = await fetch(`${basePath}/login`, { method: 'POST', body, redirect: 'manual' });
  return response.ok || response.type === 'opaqueredirect';
}
