/** Draws one log row into an element: number, time, level, text. */
import { type JsonLine } from './json_line';
import { jsonOf } from './json_row';
import { drawTree } from './json_tree';
import { type Row, groupOpenedBy, rowLevel, rowRecord, rowText } from './rows';
import { markDirection } from './controls';
import type { LineRange } from './filters';
import type { TextFinder } from './finding';
import { MAX_DRAWN, drawText, make } from './row_text';

const MARK_HINT = 'Click to mark this line, then Shift-click another to mark all lines in between';
const LEVEL_WORDS = { debug: 'DEBUG', info: '', warning: 'WARN', error: 'ERROR' } as const;

export interface RowState {
  /** What is searched. */
  readonly text: TextFinder | null;
  readonly isCurrent: boolean;
  readonly isMarked: boolean;
  readonly isFolded: boolean;
  /** Of its context, while only matches are shown. */
  readonly context: 'shown' | 'hidden' | null;
  /** In the wanted form. */
  readonly time: string;
  /** How long after the line before, if that is long, or ''. */
  readonly gap: string;
  /** The records since the line before that have no line of their own. */
  readonly skipped: LineRange | null;
  /** Whether JSON stays as it is. */
  readonly isRaw: boolean;
  /** Whether its JSON is shown as a tree, too. */
  readonly isOpen: boolean;
}

export function drawRow(element: HTMLElement, row: Row, state: RowState): void {
  const record = rowRecord(row);
  const json = shownJson(row, state);
  const level = rowLevel(row);
  const group = groupOpenedBy(row);
  const isStderr = record.stream === 'stderr' && record.event === null;
  element.className = [
    'row',
    level,
    record.event ?? '',
    record.stream === 'solorun' ? 'solorun' : '',
    isStderr ? 'stderr' : '',
    row.isContext ? 'context' : '',
    state.isOpen ? 'open' : '',
    state.skipped ? 'skips' : '',
    state.isMarked ? 'marked' : '',
    state.isCurrent ? 'current' : '',
  ]
    .filter(Boolean)
    .join(' ');
  element.dataset['seq'] = String(row.seq);
  element.dataset['firstSeq'] = String(row.firstSeq);
  const number = make('a', 'number', row.seq.toLocaleString('en'));
  number.href = `#L${row.seq}`;
  number.tabIndex = -1;
  number.title = MARK_HINT;
  if (row.firstSeq < row.seq) number.title = `${nameOf({ from: row.firstSeq, upTo: row.seq })}. ${MARK_HINT}`;
  if (state.skipped)
    number.title = `${nameOf(state.skipped)} before it: progress, or the end of a group. ${number.title}`;
  const time = make('time', 'time', state.time);
  time.dateTime = record.time;
  const text = make('span', 'text');
  if (group !== null) {
    const toggle = make('button', 'fold', `${state.isFolded ? '▸' : '▾'} ${markDirection(group || 'group')}`);
    toggle.type = 'button';
    toggle.setAttribute('aria-expanded', String(!state.isFolded));
    text.append(toggle);
  } else if (json) drawJson(text, json, state);
  else {
    if (row.updates > 1) text.append(makeUnfold());
    drawText(text, rowText(row), state.text);
  }
  if (row.updates > 1) text.append(make('span', 'repeats', `${row.updates.toLocaleString('en')} updates`));
  const label = make('span', 'level', LEVEL_WORDS[level] || (isStderr ? 'stderr' : ''));
  if (isStderr) label.title = 'Written to standard error';
  const gap = state.gap ? [make('span', 'gap', `⋯ ${state.gap} ⋯`)] : [];
  const around = state.context ? [row.isContext ? makeContextMark() : makeContextToggle(state.context)] : [];
  element.replaceChildren(number, time, label, ...around, ...gap, text);
  if (json && state.isOpen) element.append(drawTree(json.value));
}

const nameOf = ({ from, upTo }: LineRange): string =>
  from === upTo
    ? `Record ${from.toLocaleString('en')}`
    : `Records ${from.toLocaleString('en')} to ${upTo.toLocaleString('en')}`;

/** Null if the line is shown as it is. A search may find its text only there. */
function shownJson(row: Row, { isRaw, text }: RowState): JsonLine | null {
  const json = isRaw ? null : jsonOf(row);
  const isHidden = (found: string): boolean => text !== null && text.find(found).length === 0;
  return json && isHidden(json.message) && isHidden(json.fields) && !isHidden(rowText(row)) ? null : json;
}

function drawJson(parent: HTMLElement, { message, fields }: JsonLine, { text, isOpen }: RowState): void {
  const toggle = make('button', 'json', isOpen ? '▾ ' : '▸ ');
  toggle.type = 'button';
  toggle.tabIndex = -1;
  toggle.title = 'All fields (Enter on the current line)';
  toggle.ariaLabel = toggle.title;
  toggle.ariaExpanded = String(isOpen);
  parent.append(toggle);
  if (message) drawText(parent, message, text);
  if (!fields) return;
  const rest = make('span', 'fields', message ? '  ' : '');
  drawText(rest, fields, text);
  parent.append(rest);
}

function makeUnfold(): HTMLElement {
  const unfold = make('button', 'fold', '▸ ');
  unfold.type = 'button';
  unfold.title = 'Show all progress reports';
  unfold.ariaLabel = unfold.title;
  unfold.ariaExpanded = 'false';
  return unfold;
}

function makeContextToggle(context: 'shown' | 'hidden'): HTMLElement {
  const toggle = make('button', 'around', '±');
  toggle.type = 'button';
  toggle.tabIndex = -1;
  toggle.title = 'The lines before and after (C on the current line)';
  toggle.ariaLabel = toggle.title;
  toggle.ariaExpanded = String(context === 'shown');
  return toggle;
}

function makeContextMark(): HTMLElement {
  const mark = make('span', 'around', '┊');
  mark.role = 'img';
  mark.title = mark.ariaLabel = 'Context';
  return mark;
}

export function drawPlaceholder(element: HTMLElement): void {
  element.className = 'row loading';
  delete element.dataset['seq'];
  delete element.dataset['firstSeq'];
  element.replaceChildren(make('span', 'number', '·'));
}

/** Width of the drawn part of a line, in monospaced columns. Wide characters take two. */
export function columnsOf(line: string): number {
  const drawn = Math.min(line.length, MAX_DRAWN + 60);
  let wide = 0;
  for (let i = 0; i < drawn; i++) if (line.charCodeAt(i) > 0x2e7f) wide++;
  return drawn + wide;
}
