/** Where the dashboard begins. */
import { mount } from 'svelte';
import App from './App.svelte';
import { applyTheme } from './state/preferences.svelte';
import { world } from './state/world.svelte';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/log.css';

applyTheme();
world.open();
mount(App, { target: document.getElementById('app')! });
