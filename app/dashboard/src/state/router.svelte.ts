/** The current page and navigation. The address contains the whole view: path, query and hash. */
import { basePath } from '../api/base_path';
import { type Route, parseRoute } from './routes';
import { changeEntry, pushEntry, restoreScroll } from './history_entry';

const here = (): string => location.pathname.slice(basePath.length);

class Router {
  route: Route = $state.raw(parseRoute(here()));
  query: URLSearchParams = $state.raw(new URLSearchParams(location.search));
  hash: string = $state(location.hash);

  constructor() {
    restoreScroll();
    addEventListener('popstate', () => {
      changeEntry();
      this.read();
      restoreScroll();
    });
  }

  /** `path` starts with `/` and does not include the base path. */
  go(path: string): void {
    pushEntry(basePath + path);
    this.read();
    scrollTo(0, 0);
  }

  /** Replaces this address in the history with its canonical one. Query and hash stay. */
  replace(path: string): void {
    history.replaceState(history.state, '', basePath + path + location.search + location.hash);
    this.read();
  }

  /** Changes the query or hash; null removes a parameter. Adds a history entry for the same place only if `push` is set. */
  refine(changes: Readonly<Record<string, string | null>>, hash = this.hash, push = false): void {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    const address = location.pathname + (text ? `?${text}` : '') + hash;
    if (push) pushEntry(address, true);
    else history.replaceState(history.state, '', address);
    this.read();
  }

  private read(): void {
    const route = parseRoute(here());
    if (JSON.stringify(route) !== JSON.stringify(this.route)) this.route = route;
    this.query = new URLSearchParams(location.search);
    this.hash = location.hash;
  }
}

export const router = new Router();

export const toProject = (project: string): string => `/p/${encodeURIComponent(project)}`;
export const toRun = (run: { readonly project: string; readonly id: number }): string =>
  `${toProject(run.project)}/runs/${run.id}`;
export const toArtifact = (run: { readonly project: string; readonly id: number }, name: string): string =>
  `${toRun(run)}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}`;
export const toCompare = (a: number, b: number): string => `/compare/${a}/${b}`;
export const href = (path: string): string => basePath + path;

/** Follows links within the dashboard without a page load. Leaves all other clicks to the browser. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element).closest('a');
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  const path = link.pathname.slice(basePath.length);
  if (!link.pathname.startsWith(basePath) || parseRoute(path).page === 'unknown') return;
  event.preventDefault();
  if (link.pathname === location.pathname) {
    history.pushState(null, '', link.href);
    dispatchEvent(new PopStateEvent('popstate'));
  } else router.go(path + link.search + link.hash);
}
