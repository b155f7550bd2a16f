/** State of the event-stream connection. Times are in milliseconds. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected' }
  /** Something between the service and this page holds the stream back. The data is requested every few seconds. */
  | { readonly state: 'polling'; readonly asOf: number }
  | { readonly state: 'reconnecting'; readonly retryAt: number; readonly asOf: number }
  /** Several attempts have failed; retries continue. */
  | { readonly state: 'offline'; readonly retryAt: number; readonly asOf: number }
  /** The session has expired: no retries until the user logs in. */
  | { readonly state: 'expired' };

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
const OFFLINE_AFTER = 4;

/** The delay before an attempt (1 is the first after a disconnect): doubles each time, minus up to half at random. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return Math.round(full * (1 - random() / 2));
}

export function disconnected(attempt: number, retryAt: number, asOf: number): Connection {
  return { state: attempt < OFFLINE_AFTER ? 'reconnecting' : 'offline', retryAt, asOf };
}
