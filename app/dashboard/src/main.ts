/** Where the dashboard begins. */
import { mount } from 'svelte';
import App from './App.svelte';
import { applyTheme } from './state/preferences.svelte';
import { loadLater } from './shell/parts_for_later';
import { world } from './state/world.svelte';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';

applyTheme();
world.open();
const target = document.getElementById('app')!;
target.replaceChildren();
mount(App, { target });
loadLater();
