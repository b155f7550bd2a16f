import { expect, test, vi } from 'vitest';
import { sendUntilAnswered } from './start_key';

const failure = (status: number) => Object.assign(new Error(`HTTP ${status}`), { status });
const immediately = () => Promise.resolve();
const keysOf = (send: { mock: { calls: unknown[][] } }) => send.mock.calls.map(([key]) => key as string);

test.each([0, 502, 503, 504])('a start without an answer (%i) is repeated with its key', async (status) => {
  const send = vi.fn().mockRejectedValueOnce(failure(status)).mockRejectedValueOnce(failure(0)).mockResolvedValue(17);

  expect(await sendUntilAnswered(`repeated ${status}`, send, immediately)).toBe(17);

  expect(send).toHaveBeenCalledTimes(3);
  expect(new Set(keysOf(send)).size).toBe(1);
});

test('a start whose answer was cut off is repeated with its key', async () => {
  const send = vi.fn().mockRejectedValueOnce(new TypeError('the connection was lost')).mockResolvedValue(17);

  expect(await sendUntilAnswered('cut', send, immediately)).toBe(17);

  expect(new Set(keysOf(send)).size).toBe(1);
});

test.each([401, 409, 422, 500])('an answer (%i) is final', async (status) => {
  const send = vi.fn().mockRejectedValue(failure(status));

  await expect(sendUntilAnswered(`final ${status}`, send, immediately)).rejects.toThrow(`HTTP ${status}`);
  await expect(sendUntilAnswered(`final ${status}`, send, immediately)).rejects.toThrow();

  expect(send).toHaveBeenCalledTimes(2);
  expect(new Set(keysOf(send)).size).toBe(2);
});

test('a press after a start without an answer uses its key again', async () => {
  const send = vi.fn().mockRejectedValue(failure(0));
  await expect(sendUntilAnswered('pressed again', send, immediately)).rejects.toThrow('HTTP 0');
  send.mockResolvedValue(17);

  await sendUntilAnswered('pressed again', send, immediately);
  await sendUntilAnswered('pressed again', send, immediately);

  const keys = keysOf(send);
  expect(new Set(keys.slice(0, -1)).size).toBe(1);
  expect(keys.at(-1)).not.toBe(keys[0]);
});

test('two presses at the same time use one key, and two starts use two', async () => {
  const send = vi.fn().mockResolvedValue(17);

  await Promise.all(['double', 'double', 'other'].map((request) => sendUntilAnswered(request, send, immediately)));

  const [first, second, other] = keysOf(send);
  expect(second).toBe(first);
  expect(other).not.toBe(first);
});
