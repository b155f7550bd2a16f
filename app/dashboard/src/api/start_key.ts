/** Sends a start until it is answered, with an idempotency key, so that a lost answer never leads to a second run. */

const PAUSES = [500, 1000, 2000, 4000];
/** No whole response, a proxy without the service, or a service that is restarting. */
const UNANSWERED: ReadonlySet<number> = new Set([0, 502, 503, 504]);

/** The key of each start that has no answer yet. The same start, by another press of the button, uses it again. */
const keys = new Map<string, string>();

/** The answer to `send`, which is called with the key of `request` and throws errors with an HTTP `status`. */
export async function sendUntilAnswered<T>(
  request: string,
  send: (key: string) => Promise<T>,
  pause: (milliseconds: number) => Promise<void> = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds)),
): Promise<T> {
  const key = keys.get(request) ?? newKey();
  keys.set(request, key);
  for (const milliseconds of PAUSES) {
    try {
      return await answer(request, send(key));
    } catch (error) {
      if (!keys.has(request)) throw error;
      await pause(milliseconds);
    }
  }
  return answer(request, send(key));
}

async function answer<T>(request: string, sent: Promise<T>): Promise<T> {
  try {
    const answered = await sent;
    keys.delete(request);
    return answered;
  } catch (error) {
    // Without a status, the response has begun, and its connection was lost before its end.
    if (!UNANSWERED.has((error as { status?: number }).status ?? 0)) keys.delete(request);
    throw error;
  }
}

/** Random, like a UUID, which browsers create only for https and localhost. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
