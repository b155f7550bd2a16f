/** Where the dashboard begins. */
import { mount } from 'svelte';
import App from './App.svelte';
import { askForEnd } from './log/log_end';
import { later, loadLater } from './shell/parts_for_later';
import { applyTheme } from './state/preferences.svelte';
import { router } from './state/router.svelte';
import { world } from './state/world.svelte';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';

applyTheme();
if (router.route.page === 'run') {
  // All that the page will wait for, at once and first. (The service has announced it: it may be there already.) The
  // run before its log: a log that is older than its run would leave a gap, to be read once more.
  void later.run().catch(() => undefined);
  void world.loadRun(router.route.runId).catch(() => undefined);
  askForEnd(router.route.runId);
}
world.open();
const target = document.getElementById('app')!;
target.replaceChildren();
mount(App, { target });
loadLater();
