/** Whether the user presses, turns, touches or drags anything: a scroll event does not say what caused it. */
const RECENT_MS = 1000;
const EVENTS = ['wheel', 'touchmove', 'keydown', 'pointerdown', 'pointermove', 'pointerup', 'pointercancel'] as const;

export class UserInput {
  private at = -Infinity;
  /** A scrollbar is dragged without any event until its release, however long that takes. */
  private isPressed = false;

  constructor(signal: AbortSignal) {
    for (const name of EVENTS) {
      addEventListener(name, (event) => this.handle(event), { capture: true, passive: true, signal });
    }
  }

  isRecent(): boolean {
    return this.isPressed || performance.now() - this.at < RECENT_MS;
  }

  private handle(event: Event): void {
    const wasPressed = this.isPressed;
    if (event.type === 'pointerdown') this.isPressed = true;
    // Not every browser reports the release of a scrollbar. The next move of the pointer shows it.
    else if (event.type === 'pointermove') this.isPressed = !!(event as PointerEvent).buttons;
    else if (event.type.startsWith('pointer')) this.isPressed = false;
    // A pointer that only moves scrolls nothing.
    if (event.type !== 'pointermove' || this.isPressed || wasPressed) this.at = performance.now();
  }
}
