import { expect, test } from 'vitest';
import { foldFrames } from './stack_frames';

const frame = (path: string): string[] => [`  File "${path}", line 3, in call`, '    return self.fn(*args)'];
const PACKAGES = '/srv/venv/lib/python3.11/site-packages/tenacity/__init__.py';

/** Each passage in short: how many lines it has, or what is folded. */
const outline = (lines: readonly string[]): (number | string)[] =>
  foldFrames(lines).map((passage) => passage.folded ?? passage.lines.length);

test('frames of libraries in a row are folded, with their lines of source', () => {
  const lines = [
    'Traceback (most recent call last):',
    ...frame('/srv/work.py'),
    ...Array.from({ length: 12 }, () => frame(PACKAGES)).flat(),
    ...frame('/srv/work.py'),
    'ValueError: no text',
  ];

  expect(outline(lines)).toEqual([3, '12 frames of site-packages', 3]);
  expect(foldFrames(lines).flatMap((passage) => passage.lines)).toEqual(lines);
});

test.each([
  ['a single frame', [...frame(PACKAGES), 'ValueError: x'], [3]],
  ['own frames', [...frame('a.py'), ...frame('b.py')], [4]],
  [
    'libraries and the runtime',
    [...frame(PACKAGES), ...frame('/usr/lib/python3.11/asyncio/runners.py')],
    ['2 frames of site-packages and the runtime'],
  ],
  [
    'a repetition',
    [...frame(PACKAGES), ...frame(PACKAGES), '  [Previous line repeated 996 more times]', 'RecursionError: x'],
    ['2 frames of site-packages', 1],
  ],
  [
    'JavaScript',
    [
      'TypeError: x is not a function',
      '    at main (/srv/app/index.js:3:5)',
      '    at Layer.handle (/srv/app/node_modules/express/lib/router/layer.js:95:5)',
      '    at next (/srv/app/node_modules/express/lib/router/route.js:144:13)',
      '    at node:internal/main/run_main_module:28:49',
    ],
    [2, '3 frames of node_modules and the runtime'],
  ],
  [
    'Java',
    [
      'java.lang.NullPointerException: text',
      '\tat com.example.Parser.parse(Parser.java:31)',
      '\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511)',
      '\tat java.base/java.lang.Thread.run(Thread.java:840)',
    ],
    [2, '2 frames of the runtime'],
  ],
  [
    'an exception group',
    [
      '  + Exception Group Traceback (most recent call last):',
      ...[...frame(PACKAGES), ...frame(PACKAGES)].map((l) => `  | ${l}`),
    ],
    [1, '2 frames of site-packages'],
  ],
  ['prose about a file', ['look at /srv/site-packages/a', 'and at /srv/site-packages/b'], [2]],
  ['nothing', [], []],
])('%s', (_, lines, expected) => {
  expect(outline(lines)).toEqual(expected);
});
