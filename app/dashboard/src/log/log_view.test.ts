import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LogModel } from './log_model';
import { LogView } from './log_view';
import { aLogService, aRun, someRecords } from './testing';

const HEIGHT = 400;
const LINES = 1000;
const END = LINES * 20 - HEIGHT;

/** A log of which these records report progress. */
function followed(progressSeqs: readonly number[] = []) {
  const pane = document.createElement('div');
  const box = { height: HEIGHT };
  Object.defineProperty(pane, 'clientHeight', { get: () => box.height });
  document.body.replaceChildren(pane);
  const records = someRecords(1, LINES, (seq) => (progressSeqs.includes(seq) ? { event: 'progress' } : {}));
  const model = new LogModel(aLogService(records).read);
  const following = vi.fn();
  const unfoldProgress = vi.fn(() => model.foldProgress(false));
  const events = {
    following,
    empty: vi.fn(),
    mark: vi.fn(),
    toggleContext: vi.fn(),
    toggleGroup: vi.fn(),
    unfoldProgress,
    readerMoved: vi.fn(),
    drawn: vi.fn(),
  };
  const view = new LogView(pane, model, events);
  model.foldProgress(true);
  model.open(aRun({ lastSeq: LINES }), { step: null, level: null, stream: null, text: null });
  view.position.follow();
  vi.advanceTimersByTime(50);
  const scroll = (top: number): void => {
    pane.scrollTop = top;
    pane.dispatchEvent(new Event('scroll'));
    vi.advanceTimersByTime(50);
  };
  return { pane, box, view, following, scroll, unfoldProgress };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe(): void {}
      disconnect(): void {}
    },
  );
  vi.stubGlobal('innerHeight', 768);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a pane that has grown and shrunk before its scroll is reported is still followed', () => {
  const { pane, following, scroll } = followed();
  expect(pane.scrollTop).toBe(END);

  // While the pane was 90 pixels taller, the browser reduced its scroll position by as much.
  scroll(END - 90);

  expect(following.mock.calls).toEqual([[true]]);
  expect(pane.scrollTop).toBe(END);
});

test('a pane that is larger than the view knows is not scrolled by the user', () => {
  const { pane, box, following, scroll } = followed();

  box.height = HEIGHT + 90;
  pane.dispatchEvent(new Event('wheel'));
  scroll(END - 90);

  expect(following.mock.calls).toEqual([[true]]);
});

test.each(['wheel', 'touchmove', 'keydown', 'pointerdown'])('a scroll after a %s ends the following', (type) => {
  const { pane, following, scroll } = followed();

  pane.dispatchEvent(new Event(type, { bubbles: true }));
  scroll(END - 90);

  expect(following.mock.lastCall).toEqual([false]);
  expect(pane.scrollTop).toBe(END - 90);
});

test('a drag of the scrollbar ends the following, however long it rests', () => {
  const { pane, following, scroll } = followed();

  pane.dispatchEvent(new Event('pointerdown', { bubbles: true }));
  vi.advanceTimersByTime(10_000);
  scroll(END - 90);

  expect(following.mock.lastCall).toEqual([false]);
});

test('a scroll by a page ends the following, because the pane cannot grow by as much', () => {
  const { following, scroll } = followed();

  scroll(END - 380);

  expect(following.mock.lastCall).toEqual([false]);
});

test('going to a folded progress report unfolds progress', async () => {
  const { pane, view, unfoldProgress } = followed([500, 510, 520]);

  view.position.goTo(520);
  await vi.advanceTimersByTimeAsync(50);
  expect(unfoldProgress).not.toHaveBeenCalled();
  expect(pane.querySelector('[data-seq="510"]')).toBeNull();
  view.position.goTo(510);
  await vi.advanceTimersByTimeAsync(50);

  expect(unfoldProgress).toHaveBeenCalled();
  expect(pane.querySelector('[data-seq="510"]')).not.toBeNull();
});

test('the arrow of folded progress unfolds it', async () => {
  const { pane, view, unfoldProgress } = followed([508, 510]);
  view.position.goTo(510);
  await vi.advanceTimersByTimeAsync(50);

  pane.querySelector<HTMLElement>('.progress .fold')!.click();
  await vi.advanceTimersByTimeAsync(50);

  expect(unfoldProgress).toHaveBeenCalled();
  expect(pane.querySelector('[data-seq="508"]')).not.toBeNull();
});
