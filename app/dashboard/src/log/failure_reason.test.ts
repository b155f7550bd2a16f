import { expect, test } from 'vitest';
import { failureReason } from './failure_reason';

test.each([
  [
    [
      'Traceback (most recent call last):',
      '  File "a.py", line 1, in <module>',
      "    x['text']",
      "KeyError: 'text'",
      '',
    ],
    "KeyError: 'text'",
  ],
  [
    ["KeyError: 'text'", 'During handling of the above exception…', 'app.errors.ParseError: row 7', 'cleaning up'],
    'app.errors.ParseError: row 7',
  ],
  [
    ['java.lang.IllegalStateException: no such table', '    at A.main(A.java:3)'],
    'java.lang.IllegalStateException: no such table',
  ],
  [['sh: 1: nosuchprogram: not found', 'bye'], 'sh: 1: nosuchprogram: not found'],
  [['::', 'AssertionError'], 'AssertionError'],
  [['one', 'two', ' '], 'two'],
  [['', ' '], null],
])('the reason in %j is %j', (lines, reason) => {
  expect(failureReason(lines)).toBe(reason);
});
