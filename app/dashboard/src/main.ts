/** The dashboard's entry point. */
import { mount } from 'svelte';
import App from './App.svelte';
import { prefetchTail } from './log/prefetch';
import { lazy } from './shell/lazy';
import { applyTheme } from './state/preferences.svelte';
import { surviveTranslation } from './shell/translation';
import { router } from './state/router.svelte';
import { store } from './state/store.svelte';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/classes.css';

applyTheme();
if (router.route.page === 'run') {
  // Requests everything that the page waits for, before anything else. The service's preload links may have fetched it
  // already. The run comes first: a log that is older than its run would have a gap, which costs another request.
  void lazy.run().catch(() => undefined);
  void store.loadRun(router.route.runId).catch(() => undefined);
  prefetchTail(router.route.runId);
}
store.connect();
const target = document.getElementById('app')!;
target.replaceChildren();
mount(App, { target });
surviveTranslation(document.body);
