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
])('%s is made harmless', (text) => {
  const { markup } = renderMarkdown(text);

  expect(markup).not.toMatch(/<script|onerror|javascript:|<style|<form|<input|style=|evil\.example|<iframe/i);
});

test('headings have names of their own, for links', () => {
  const { headings, markup } = renderMarkdown('# A b\n\n## A b\n\n### ?');

  expect(headings).toEqual([
    { id: 'h-a-b', text: 'A b', level: 1 },
    { id: 'h-a-b-1', text: 'A b', level: 2 },
    { id: 'h-section', text: '?', level: 3 },
  ]);
  expect(markup).toContain('<h2 id="h-a-b-1">');
});

test('links to elsewhere open elsewhere, and do not say from where', () => {
  expect(renderMarkdown('[x](https://example.org)').markup).toContain('rel="noopener noreferrer"');
});
