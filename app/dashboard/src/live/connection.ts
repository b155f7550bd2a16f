/** How it stands with the service's stream, as a reader is told. Times in milliseconds. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected' }
  | { readonly state: 'reconnecting'; readonly retryAt: number; readonly asOf: number }
  /** Given up on a quick return; still tried. */
  | { readonly state: 'offline'; readonly retryAt: number; readonly asOf: number }
  /** The session has ended: nothing is tried until somebody has logged in. */
  | { readonly state: 'expired' };

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
const OFFLINE_AFTER = 4;

/** The wait before an attempt (1 is the first after a loss): doubling, with up to a half taken off at random. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return Math.round(full * (1 - random() / 2));
}

export function disconnected(attempt: number, retryAt: number, asOf: number): Connection {
  return { state: attempt < OFFLINE_AFTER ? 'reconnecting' : 'offline', retryAt, asOf };
}
