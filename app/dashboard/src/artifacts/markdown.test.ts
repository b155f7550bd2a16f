import { expect, test } from 'vitest';
import { renderMarkdown } from './markdown';

test.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[x](javascript:alert(1))',
  '<a href="java\nscript:alert(1)">x</a>',
  '<svg><script>alert(1)</script></svg>',
  '<style>body{display:none}</style>',
  '<form action="https://evil.example"><input name=token></form>',
  '<div style="position:fixed">x</div>',
  '![x](https://evil.example/pixel.png)',
  '<iframe src="https://evil.example"></iframe>',
])('%s is sanitized', (text) => {
  const { markup } = renderMarkdown(text);

  expect(markup).not.toMatch(/<script|onerror|javascript:|<style|<form|<input|style=|evil\.example|<iframe/i);
});

test('headings get unique ids', () => {
  const { headings, markup } = renderMarkdown('# A b\n\n## A b\n\n### ?');

  expect(headings).toEqual([
    { id: 'h-a-b', text: 'A b', level: 2 },
    { id: 'h-a-b-1', text: 'A b', level: 3 },
    { id: 'h-section', text: '?', level: 4 },
  ]);
  expect(markup).toContain('<h3 id="h-a-b-1">');
});

test.each([
  ['# a\n\n## b\n\n###### c', ['h2', 'h3', 'h6']],
  ['### a\n\n#### b', ['h2', 'h3']],
  ['<h1>a</h1>\n\n## b', ['h2', 'h3']],
  ['no heading', []],
])('the headings of %j rank below the heading of the page', (text, expected) => {
  expect([...renderMarkdown(text).markup.matchAll(/<(h\d)/g)].map((match) => match[1])).toEqual(expected);
});

test('a column header is a sort button, unless it contains a link', () => {
  const { markup } = renderMarkdown('| word | [more](https://example.org) |\n|---|---|\n| a | b |');

  expect(markup).toContain('<th><button type="button">word</button></th>');
  expect(markup.match(/<button/g)).toHaveLength(1);
});

test('external links send no referrer', () => {
  expect(renderMarkdown('[x](https://example.org)').markup).toContain('rel="noopener noreferrer"');
});
