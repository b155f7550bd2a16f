/**
 * The service's clock minus ours, in milliseconds: the least that an answer proves. Its header is cut to the second, and
 * was written after the request was sent and before the answer arrived, however long that took.
 */
export const skewOf = (date: number, sent: number, received: number): number =>
  Math.max(date - received, Math.min(0, date + 1000 - sent));
