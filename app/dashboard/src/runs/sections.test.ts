import { describe, expect, it } from 'vitest';
import type { Run } from '../api/mapping';
import { SETTLE_MS, type Section, sectionOf, settle } from './sections';

const run = (status: Run['status'], id = 7): Run => ({ id, status }) as Run;
const wanted = (section: Section): Map<string, Section> => new Map([['health', section]]);
const sectionIn = (places: ReturnType<typeof settle>): Section | undefined => places.get('health')?.section;

describe('sectionOf', () => {
  it.each([
    [undefined, 'others'],
    [run('queued'), 'running'],
    [run('pending'), 'running'],
    [run('running'), 'running'],
    [run('waiting'), 'running'],
    [run('completed'), 'others'],
    [run('cancelled'), 'others'],
    [run('failed'), 'attention'],
    [run('interrupted'), 'attention'],
  ])('places %o in %s', (of, section) => {
    expect(sectionOf(of, undefined)).toBe(section);
  });

  it('places a failure that was seen with the others, until the next one', () => {
    expect(sectionOf(run('failed', 7), 7)).toBe('others');
    expect(sectionOf(run('failed', 8), 7)).toBe('attention');
  });
});

describe('settle', () => {
  it('places a new project at once, even in a list that is held', () => {
    expect(sectionIn(settle(new Map(), wanted('running'), 0, true))).toBe('running');
  });

  it('moves a project that has belonged elsewhere for long enough', () => {
    const placed = settle(new Map(), wanted('others'), 0, false);
    const started = settle(placed, wanted('running'), 1000, false);

    expect(sectionIn(started)).toBe('others');
    expect(sectionIn(settle(started, wanted('running'), 999 + SETTLE_MS, false))).toBe('others');
    expect(sectionIn(settle(started, wanted('running'), 1000 + SETTLE_MS, false))).toBe('running');
  });

  it('does not move a project whose run ends before that', () => {
    const placed = settle(new Map(), wanted('others'), 0, false);
    const started = settle(placed, wanted('running'), 1000, false);
    const ended = settle(started, wanted('others'), 2000, false);

    expect(sectionIn(settle(ended, wanted('running'), 1000 + SETTLE_MS, false))).toBe('others');
  });

  it('waits again once the list is no longer held', () => {
    const placed = settle(new Map(), wanted('running'), 0, false);
    const held = settle(settle(placed, wanted('others'), 1000, true), wanted('others'), 60_000, true);

    expect(sectionIn(settle(held, wanted('others'), 59_999 + SETTLE_MS, false))).toBe('running');
    expect(sectionIn(settle(held, wanted('others'), 60_000 + SETTLE_MS, false))).toBe('others');
  });

  it('forgets a project that is gone', () => {
    expect(settle(settle(new Map(), wanted('others'), 0, false), new Map(), 0, true).size).toBe(0);
  });

  it('returns the same places if nothing has changed', () => {
    const placed = settle(new Map(), wanted('others'), 0, false);

    expect(settle(placed, wanted('others'), 5000, false)).toBe(placed);
  });
});
