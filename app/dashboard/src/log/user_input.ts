/** When the user last pressed, turned, touched or dragged anything: a scroll event does not say what caused it. */
const RECENT_MS = 1000;
const EVENTS = ['wheel', 'touchmove', 'pointerdown', 'pointermove', 'keydown'] as const;

export class UserInput {
  private at = -Infinity;

  constructor(signal: AbortSignal) {
    for (const name of EVENTS) {
      addEventListener(name, (event) => this.handle(event), { capture: true, passive: true, signal });
    }
  }

  isRecent(): boolean {
    return performance.now() - this.at < RECENT_MS;
  }

  private handle(event: Event): void {
    // A pointer that only moves scrolls nothing.
    if (event.type === 'pointermove' && !(event as PointerEvent).buttons) return;
    this.at = performance.now();
  }
}
