/** Where the dashboard begins. */
import { mount } from 'svelte';
import App from './App.svelte';
import { prefetchTail } from './log/prefetch';
import { lazy, loadWhenIdle } from './shell/lazy';
import { applyTheme } from './state/preferences.svelte';
import { router } from './state/router.svelte';
import { store } from './state/store.svelte';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';

applyTheme();
if (router.route.page === 'run') {
  // All that the page will wait for, at once and first. (The service has announced it: it may be there already.) The
  // run before its log: a log that is older than its run would leave a gap, to be read once more.
  void lazy.run().catch(() => undefined);
  void store.loadRun(router.route.runId).catch(() => undefined);
  prefetchTail(router.route.runId);
}
store.connect();
const target = document.getElementById('app')!;
target.replaceChildren();
mount(App, { target });
loadWhenIdle();
