/**
 * The service's time, once a second while somebody looks. Stands still while the service is out of reach: what is
 * shown then is what was last known, with its age, and no time that only seems to pass.
 */
class Clock {
  now: number = $state(Date.now());
  private skew = 0;
  private isStopped = false;

  constructor() {
    setInterval(() => this.tick(), 1000);
  }

  /** The service's clock minus ours. Its header counts whole seconds, so less than two of them say nothing. */
  correct(skew: number): void {
    this.skew = Math.abs(skew) > 2000 ? skew : 0;
  }

  stop(): void {
    this.isStopped = true;
  }

  go(): void {
    this.isStopped = false;
    this.tick();
  }

  /** Now, to the millisecond, by the service's clock. */
  read(): number {
    return Date.now() + this.skew;
  }

  private tick(): void {
    if (!this.isStopped && !document.hidden) this.now = this.read();
  }
}

export const clock = new Clock();
