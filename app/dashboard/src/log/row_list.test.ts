import { afterEach, expect, test, vi } from 'vitest';
import { TextFinder } from './finding';
import type { LineTimes } from '../state/preferences.svelte';
import type { LogModel } from './log_model';
import { NO_OPTIONS as OPTIONS, RowList } from './row_list';
import { toRows } from './rows';
import { aRecord } from './testing';

afterEach(() => void vi.unstubAllEnvs());

const NO_FILTERS: LogModel['filters'] = { step: null, level: null, stream: null, text: null };
const aModel = () => ({ filters: NO_FILTERS, isFolded: () => false, hasContext: () => false });
const at = (seconds: number): string => new Date(seconds * 1000).toISOString();

test('a row says how long after the line before it is, if that is long', () => {
  const rows = toRows([0, 9.9, 20, 62].map((seconds, i) => aRecord(i + 1, { time: at(seconds) })));
  const model = aModel();
  const list = new RowList(model);
  const gaps = (): (string | null)[] =>
    [...list.element.children].map((row) => row.querySelector('.gap')?.textContent ?? null);

  list.draw(rows.slice(1), OPTIONS, new Set(), rows[0]);
  expect(gaps()).toEqual([null, '⋯ 10\u00a0s ⋯', '⋯ 42\u00a0s ⋯']);
  list.draw(rows.slice(3), OPTIONS, new Set(), rows[2]);
  expect(gaps()).toEqual(['⋯ 42\u00a0s ⋯']);
  model.filters = { ...NO_FILTERS, level: 'error' };
  list.draw(rows, OPTIONS, new Set());

  expect(gaps()).toEqual([null, null, null, null]);
});

test('a row has the time of day, or since the start of the run, or since the line before', () => {
  const rows = toRows([62.25, 62.71, 105].map((seconds, i) => aRecord(i + 2, { time: at(seconds) })));
  const list = new RowList(aModel());
  const times = (wanted: LineTimes): (string | null)[] => {
    list.draw(rows, { ...OPTIONS, times: wanted, startedAt: 250 }, new Set());
    return [...list.element.querySelectorAll('time')].map((time) => time.textContent);
  };

  expect(times('run')).toEqual(['0:01:02.000', '0:01:02.460', '0:01:44.750']);
  expect(times('line')).toEqual(['', '+0.46', '+42.3']);
});

test('a row says its exact time, with its zone, to a reader who points at it', () => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  const rows = toRows(['00', '01'].map((hour, i) => aRecord(i + 1, { time: `2026-10-25T${hour}:30:00Z` })));
  const list = new RowList(aModel());
  list.draw(rows, OPTIONS, new Set());
  const times = [...list.element.querySelectorAll('time')];
  for (const time of times) time.dispatchEvent(new Event('pointerover', { bubbles: true }));

  expect(times.map(({ textContent }) => textContent)).toEqual(['02:30:00.000 CEST', '02:30:00.000 CET']);
  expect(times.map(({ title }) => title)).toEqual([
    '25 Oct 2026, 02:30:00 CEST · 00:30:00 UTC',
    '25 Oct 2026, 02:30:00 CET · 01:30:00 UTC',
  ]);
});

test('a line of JSON is shown as it is if only that has the text of a search, or on request', () => {
  const rows = toRows([aRecord(1, { message: '{"msg":"slow","ms":12}' })]);
  const list = new RowList(aModel());
  const shown = (raw: boolean, q: string): string | null => {
    list.draw(rows, { ...OPTIONS, raw, text: q ? new TextFinder(q) : null }, new Set());
    return list.element.querySelector('.text')!.textContent;
  };

  expect(shown(false, '')).toBe('▸ slow  ms=12');
  expect(shown(false, 'slow')).toBe('▸ slow  ms=12');
  expect(shown(false, 'ms":12')).toBe('{"msg":"slow","ms":12}');
  expect(shown(true, '')).toBe('{"msg":"slow","ms":12}');
});

test('while only matches are shown, each has a button for its context, whose lines are marked', () => {
  const rows = toRows([aRecord(1), aRecord(2)]).map((row, i) => ({ ...row, isContext: i === 0 }));
  const text = new TextFinder('line');
  const list = new RowList({ ...aModel(), filters: { ...NO_FILTERS, text }, hasContext: () => true });

  list.draw(rows, { ...OPTIONS, text }, new Set());

  const [context, match] = [...list.element.children];
  expect(context!.className).toBe('row info context');
  expect(context!.querySelector('.around')!.ariaLabel).toBe('Context');
  expect(match!.querySelector('button.around')!.ariaExpanded).toBe('true');
});
