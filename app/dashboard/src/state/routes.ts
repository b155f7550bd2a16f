/**
 * The addresses of the dashboard: the page that each one opens, and what that page loads first. The router matches
 * addresses against this table; the build writes it to `preload.json`, from which the service serves and preloads pages.
 */

/** Records in the prefetched end of a live log: more than fit on a screen. */
export const TAIL_RECORDS = 120;

export type Route =
  | { readonly page: 'overview' }
  | { readonly page: 'runs' }
  | { readonly page: 'resources' }
  | { readonly page: 'workers' }
  | { readonly page: 'schedules' }
  | { readonly page: 'notifications' }
  | { readonly page: 'project'; readonly project: string }
  | { readonly page: 'run'; readonly project: string; readonly runId: number }
  /** A run without its project, as people type it. Redirects to the run's own address. */
  | { readonly page: 'run-by-id'; readonly runId: number }
  | { readonly page: 'artifact'; readonly project: string; readonly runId: number; readonly name: string }
  | { readonly page: 'compare'; readonly a: number; readonly b: number }
  | { readonly page: 'unknown' };

export interface RouteDefinition {
  /** In Starlette's syntax: `{name}` matches one segment, `{name:path}` all that remain. */
  readonly path: string;
  readonly page: Exclude<Route['page'], 'unknown'>;
  /** The component that shows the page, unless it is part of the first script. */
  readonly component?: string;
  /** Addresses below `/api/v1` that the page requests first, exactly as it requests them. */
  readonly requests?: readonly string[];
}

export const ROUTES: readonly RouteDefinition[] = [
  { path: '/', page: 'overview', requests: ['projects'] },
  { path: '/runs', page: 'runs', component: 'pages/RunsPage.svelte' },
  { path: '/resources', page: 'resources', component: 'pages/ResourcesPage.svelte', requests: ['resources'] },
  { path: '/workers', page: 'workers', component: 'pages/WorkersPage.svelte', requests: ['workers'] },
  {
    path: '/schedules',
    page: 'schedules',
    component: 'pages/SchedulesPage.svelte',
    requests: ['schedules?next=300'],
  },
  {
    path: '/notifications',
    page: 'notifications',
    component: 'pages/NotificationsPage.svelte',
    requests: ['notify', 'deliveries'],
  },
  { path: '/runs/{run}', page: 'run-by-id', component: 'pages/RunPage.svelte', requests: ['runs/{run}'] },
  { path: '/p/{project}', page: 'project', component: 'pages/ProjectPage.svelte', requests: ['projects'] },
  {
    path: '/p/{project}/runs/{run}',
    page: 'run',
    component: 'pages/RunPage.svelte',
    // The run first: a log that is older than its run would have a gap, which costs another request.
    requests: ['runs/{run}', `runs/{run}/log?limit=${TAIL_RECORDS}`, 'runs/{run}/artifacts'],
  },
  { path: '/p/{project}/runs/{run}/artifacts/{name:path}', page: 'artifact', component: 'pages/ArtifactPage.svelte' },
  { path: '/compare/{run}/{other}', page: 'compare', component: 'pages/ComparePage.svelte' },
];

type Values = Readonly<Record<string, string>>;

const RUN_ID = /^\d{1,15}$/;

export function parseRoute(path: string): Route {
  let parts: string[];
  try {
    parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return { page: 'unknown' };
  }
  for (const definition of ROUTES) {
    const values = match(definition.path, parts);
    if (values) return toRoute(definition.page, values);
  }
  return { page: 'unknown' };
}

function match(path: string, parts: readonly string[]): Values | null {
  const segments = path.split('/').filter(Boolean);
  const values: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    const part = parts[i];
    const name = /^\{(.+)\}$/.exec(segment)?.[1];
    if (part === undefined || (name === undefined && part !== segment)) return null;
    if (name?.endsWith(':path')) return { ...values, [name.slice(0, -':path'.length)]: parts.slice(i).join('/') };
    if ((name === 'run' || name === 'other') && !RUN_ID.test(part)) return null;
    if (name !== undefined) values[name] = part;
  }
  return parts.length === segments.length ? values : null;
}

function toRoute(page: RouteDefinition['page'], { project = '', run = '', other = '', name = '' }: Values): Route {
  switch (page) {
    case 'project':
      return { page, project };
    case 'run':
      return { page, project, runId: Number(run) };
    case 'run-by-id':
      return { page, runId: Number(run) };
    case 'artifact':
      return { page, project, runId: Number(run), name };
    case 'compare':
      return { page, a: Number(run), b: Number(other) };
    default:
      return { page };
  }
}
