import { expect, test } from 'vitest';
import { failureExcerpt, reasonIn } from './failure_excerpt';
import { aRecord, someRecords } from './testing';

const seqs = (records: readonly { seq: number }[]): number[] => records.map((record) => record.seq);
const error = { level: 'error' } as const;

test('a traceback takes precedence over an earlier warning, even if Solorun wrote it', () => {
  const traceback = someRecords(11, 19, () => ({ ...error, stream: 'solorun' }));
  const all = [
    aRecord(10, { level: 'warning' }),
    ...traceback,
    aRecord(20, { ...error, event: 'step', message: 'translate failed' }),
  ];

  expect(seqs(failureExcerpt([...traceback, all[10]!], all))).toEqual([14, 15, 16, 17, 18, 19]);
});

test('without errors, the excerpt is the last lines', () => {
  expect(seqs(failureExcerpt([], [...someRecords(1, 9), aRecord(10, { message: ' ' })]))).toEqual([5, 6, 7, 8, 9]);
});

test('the excerpt does not repeat the reason that the service gave', () => {
  const own = aRecord(10, { level: 'warning', stream: 'solorun', message: 'the service stopped' });
  const all = [...someRecords(8, 9), own];

  expect(seqs(failureExcerpt([], all, 'the service stopped'))).toEqual([8, 9]);
  expect(reasonIn(all, 'the service stopped')).toBeUndefined();
});

test('a single error is shown with the last lines, in order', () => {
  const all = [aRecord(3, error), ...someRecords(4, 40)];

  expect(seqs(failureExcerpt([all[0]!], all))).toEqual([3, 37, 38, 39, 40]);
});

const CHAIN = [
  'Traceback (most recent call last):',
  '  File "a.py", line 1, in parse',
  '    row["text"]',
  "KeyError: 'text'",
  '',
  'The above exception was the direct cause of the following exception:',
  '',
  'Traceback (most recent call last):',
  '  File "a.py", line 3, in <module>',
  '    parse()',
  '    ~~~~~^^',
  'ValueError: no text',
];
const GROUP = [
  '  + Exception Group Traceback (most recent call last):',
  '  |   File "a.py", line 1, in main',
  '  | ExceptionGroup: two failed (1 sub-exception)',
  '  +-+---------------- 1 ----------------',
  '    | Traceback (most recent call last):',
  '    |   File "a.py", line 2, in child',
  "    | KeyError: 'text'",
];

test.each([CHAIN, GROUP])('a traceback is whole, from its root cause', (...lines) => {
  const earlier = ['Traceback (most recent call last):', 'KeyError: handled', 'carried on'];
  const all = [...earlier, ...lines].map((message, i) => aRecord(i + 1, { message, stream: 'stderr' }));
  const between = aRecord(99, { message: 'from the other stream', stream: 'stdout' });
  const errors = all.filter(({ message }) => /Error:/.test(message));

  const shown = failureExcerpt(errors, [...all.slice(0, 6), between, ...all.slice(6)]);

  expect(shown.map(({ message }) => message)).toEqual(lines.filter(Boolean));
});

test('a traceback that begins before the page is shown as far as it is known', () => {
  const all = CHAIN.slice(2).map((message, i) => aRecord(i + 1, { message, stream: 'stderr' }));

  expect(failureExcerpt([], all)).toHaveLength(8);
});

const JAVA = [
  'Exception in thread "main" java.lang.IllegalStateException: no text',
  ...[1, 2, 3, 4, 5].map((line) => `\tat Main.main(Main.java:${line})`),
  'Caused by: java.lang.NullPointerException: text is null',
  '\t... 1 more',
];
const RUST = [
  "thread 'main' panicked at src/main.rs:1:114:",
  'index out of bounds:  the len is 3',
  'stack backtrace:',
  ...[0, 1, 2, 3, 4, 5].map((frame) => `   ${frame}: core::panicking`),
];

test.each([
  [
    JAVA,
    'exit code 1: java.lang.IllegalStateException: no text (caused by java.lang.NullPointerException: text is null)',
  ],
  [RUST, 'exit code 101: index out of bounds: the len is 3'],
  [
    ['cp: cannot stat /a/b/c: No such file', ...Array<string>(6).fill('again')],
    'exit code 1: cp: cannot stat …/c: No such',
  ],
])('the excerpt begins at the line that is the reason', (lines, reason) => {
  const earlier = ['    ^', 'start'].map((message, i) => aRecord(i + 1, { message, stream: 'stdout' }));
  const all = [...earlier, ...lines.map((message, i) => aRecord(i + 3, { message, stream: 'stderr' }))];

  const shown = failureExcerpt([], all, reason);

  expect(shown.map(({ message }) => message)).toEqual(lines);
});

test('a reason near the end is shown with what precedes it', () => {
  const all = someRecords(1, 9, (seq) => ({ message: seq === 8 ? 'no table' : `line ${seq}` }));

  expect(seqs(failureExcerpt([], all, 'exit code 1: no table'))).toEqual([5, 6, 7, 8, 9]);
});

test.each([
  ['exit code 127 (command not found): …/sh: 1: nosuch: not found', 2],
  ['exit code 1: cp: cannot stat', 3],
  ['timed out after 3s', undefined],
  ['exit code 1', undefined],
])('the line of the reason is found', (reason, seq) => {
  const all = [
    aRecord(2, { message: '/bin/sh: 1: nosuch: not found' }),
    aRecord(3, { message: '\x1b[31mcp:\x1b[0m cannot  stat' }),
    aRecord(4, { message: `step failed: ${reason}`, event: 'step' }),
  ];

  expect(reasonIn(all, reason)?.seq).toBe(seq);
});
