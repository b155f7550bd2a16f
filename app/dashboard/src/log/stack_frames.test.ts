import { expect, test } from 'vitest';
import { foldFrames, isOwnFrame } from './stack_frames';

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
    'logback',
    [
      'java.lang.NullPointerException: text',
      '\tat com.example.Parser.parse(Parser.java:31) ~[classes/:na]',
      '\tat org.example.http.Filter.run(Filter.java:87) ~[http-6.1.jar:6.1]',
      '\tat org.springframework.web.Servlet.service(Servlet.java:17)',
      'Caused by: java.io.IOException: closed',
    ],
    [2, '2 frames of libraries', 1],
  ],
  [
    '.NET',
    [
      'Unhandled exception. System.FormatException: no text',
      '   at System.Number.Parse(String text)',
      '   at System.Int32.Parse(String text)',
      '   at Program.Main() in /app/Program.cs:line 5',
    ],
    [1, '2 frames of the runtime', 1],
  ],
  [
    'Go',
    [
      'panic: runtime error: index out of range [5] with length 3',
      'goroutine 1 [running]:',
      'github.com/x/parse.(*Page).text(0xc000012)',
      '\t/root/go/pkg/mod/github.com/x/parse@v1.2.0/page.go:31 +0x1d',
      'net/http.HandlerFunc.ServeHTTP(...)',
      '\t/usr/local/go/src/net/http/server.go:2136',
      'main.handle({0x7f, 0xc0})',
      '\t/app/main.go:12 +0x1d',
      'created by net/http.(*Server).Serve in goroutine 1',
      '\t/usr/local/go/src/net/http/server.go:3285 +0x4b4',
      'exit status 2',
    ],
    [2, '2 frames of modules and the runtime', 5],
  ],
  [
    'Rust',
    [
      "thread 'main' panicked at src/main.rs:3:5:",
      'no text',
      'stack backtrace:',
      '   0: rust_begin_unwind',
      '             at /rustc/07dca489/library/std/src/panicking.rs:645:5',
      '   1: core::panicking::panic_fmt',
      '             at /rustc/07dca489/library/core/src/panicking.rs:72:14',
      '   2: main::parse',
      '             at ./src/main.rs:3:5',
    ],
    [3, '2 frames of the runtime', 2],
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

test.each([
  ['  File "/srv/work.py", line 3, in call', true],
  ['\t/app/main.go:12 +0x1d', true],
  ['\t/go/src/app/main.go:12 +0x1d', true],
  ['\t/usr/local/go/src/runtime/proc.go:271 +0x29d', false],
  ['\t/opt/homebrew/Cellar/go/1.22.0/libexec/src/net/http/server.go:3285', false],
  ['             at ./src/main.rs:3:5', true],
  ['    at Object.<anonymous> (/srv/app/index.js:3:1)', true],
  ['    at JSON.parse (<anonymous>)', false],
  ['    return self.fn(*args)', false],
])('%j is a frame of the program itself: %j', (line, expected) => {
  expect(isOwnFrame(line)).toBe(expected);
});
