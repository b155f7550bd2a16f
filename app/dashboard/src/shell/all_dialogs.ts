/** The dialogs and a part of one, in one file because they are loaded together. */
export { default as ConflictChoices } from '../components/ConflictChoices.svelte';
export { default as CancelDialog } from './CancelDialog.svelte';
export { default as CommandPalette } from './CommandPalette.svelte';
export { default as HelpDialog } from './HelpDialog.svelte';
export { default as RerunDialog } from './RerunDialog.svelte';
export { default as StartDialog } from './StartDialog.svelte';
