/**
 * The service's time, updated every second while the page is visible. It stops while the service is unreachable, so that
 * durations stay as old as the data.
 */
class Clock {
  now: number = $state(Date.now());
  private skew = 0;
  private isStopped = false;

  constructor() {
    setInterval(() => this.tick(), 1000);
  }

  /** Sets the service's clock minus ours. Its header has a resolution of one second, so less than two is ignored. */
  correct(skew: number): void {
    this.skew = Math.abs(skew) > 2000 ? skew : 0;
  }

  stop(): void {
    this.isStopped = true;
  }

  resume(): void {
    this.isStopped = false;
    this.tick();
  }

  /** The service's time now, in milliseconds. */
  read(): number {
    return Date.now() + this.skew;
  }

  private tick(): void {
    if (!this.isStopped && !document.hidden) this.now = this.read();
  }
}

export const clock = new Clock();
