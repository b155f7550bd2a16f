/** Ctrl-Enter, or Cmd-Enter, in a field sends the form that the element is or contains. */
export function sendOnCtrlEnter(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
  event.preventDefault();
  const { currentTarget: element } = event;
  (element instanceof HTMLFormElement ? element : element.querySelector('form'))?.requestSubmit();
}
