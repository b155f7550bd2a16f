/** Draws one log row into an element: number, time, level, text. */
import { type Row, groupOpenedBy, rowLevel, rowRecord, rowText } from './rows';
import { formatLogTime } from '../runs/format';
import { markDirection } from './controls';
import type { TextFinder } from './finding';
import { MAX_DRAWN, drawText, make } from './row_text';

const MARK_HINT = 'Click to mark the line, and Shift-click another to mark all between them';
const LEVEL_WORDS = { debug: 'DEBUG', info: '', warning: 'WARN', error: 'ERROR' } as const;

export interface RowState {
  /** What is searched. */
  readonly text: TextFinder | null;
  readonly isCurrent: boolean;
  readonly isMarked: boolean;
  readonly isFolded: boolean;
}

export function drawRow(element: HTMLElement, row: Row, state: RowState): void {
  const record = rowRecord(row);
  const level = rowLevel(row);
  const group = groupOpenedBy(row);
  const isStderr = record.stream === 'stderr' && record.event === null;
  element.className = [
    'row',
    level,
    record.event ?? '',
    record.stream === 'solorun' ? 'solorun' : '',
    isStderr ? 'stderr' : '',
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
  if (row.firstSeq < row.seq)
    number.title = `Records ${row.firstSeq.toLocaleString('en')} to ${row.seq.toLocaleString('en')}. ${MARK_HINT}`;
  const time = make('span', 'time', formatLogTime(Date.parse(record.time)));
  time.title = record.time;
  const text = make('span', 'text');
  if (group !== null) {
    const toggle = make('button', 'fold', `${state.isFolded ? '▸' : '▾'} ${markDirection(group || 'group')}`);
    toggle.type = 'button';
    toggle.setAttribute('aria-expanded', String(!state.isFolded));
    text.append(toggle);
  } else {
    if (row.isFolded) text.append(makeUnfold());
    drawText(text, rowText(row), state.text);
  }
  if (row.updates > 1) text.append(make('span', 'repeats', `${row.updates.toLocaleString('en')} updates`));
  const label = make('span', 'level', LEVEL_WORDS[level] || (isStderr ? 'stderr' : ''));
  if (isStderr) label.title = 'Written to standard error';
  element.replaceChildren(number, time, label, text);
}

function makeUnfold(): HTMLElement {
  const unfold = make('button', 'fold', '▸ ');
  unfold.type = 'button';
  unfold.title = 'Show all progress reports';
  unfold.ariaLabel = unfold.title;
  unfold.ariaExpanded = 'false';
  return unfold;
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
