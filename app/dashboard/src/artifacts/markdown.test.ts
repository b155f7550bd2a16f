import { expect, test } from 'vitest';
import { renderMarkdown as render, type Rendered } from './markdown';

const addressOf = (path: string): string => `/p/x/runs/1/artifacts/${path}`;
const renderMarkdown = (text: string, name = 'report.md'): Rendered => render(text, name, addressOf)!;

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
  '<map name="m"><area href="https://evil.example"></map>',
  '![x](//evil.example/pixel.png)',
  '![x](data:text/html,evil.example)',
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

test.each(['https://example.org', '//example.org', 'HTTP://example.org'])(
  'a link to %s opens in a new tab and sends no referrer',
  (address) => {
    expect(renderMarkdown(`[x](${address})`).markup).toMatch(/target="_blank" rel="noopener noreferrer"/);
  },
);

test('a backslash counts as a slash in an address', () => {
  expect(renderMarkdown('<a href="/\\example.org">x</a>').markup).toContain('target="_blank"');
});

test.each(['words.csv', '#numbers', '/runs', 'mailto:a@example.org'])('a link to %s stays in this tab', (address) => {
  expect(renderMarkdown(`[x](${address})`).markup).not.toContain('target=');
});

test.each([
  ['## Second part\n\n[x](#second-part)', 'h-second-part'],
  ['## A & B\n\n[x](#a--b)', 'h-a--b'],
  ['## Größe\n\n[x](#gr%C3%B6%C3%9Fe)', encodeURIComponent('h-größe')],
  ['## A\n\n## A\n\n[x](#a-1)', 'h-a-1'],
  ['<a id="own"></a>\n\n[x](#own)', 'user-content-own'],
])('the link in %j leads to its section', (text, id) => {
  expect(renderMarkdown(text).markup).toContain(`href="#${id}"`);
  expect(renderMarkdown(text).markup).toContain(`id="${decodeURIComponent(id)}"`);
});

test('a footnote and its reference lead to each other', () => {
  const { markup } = renderMarkdown('Text[^a b].\n\n[^a b]: Note.');
  const page = document.createElement('div');
  page.innerHTML = markup;

  const targets = [...page.querySelectorAll('a')].map((link) => decodeURIComponent(link.hash.slice(1)));

  expect(targets).toHaveLength(2);
  for (const id of targets) expect(page.querySelector(`[id="${id}"]`)).not.toBeNull();
  expect(page.textContent).toContain('Note.');
});

test('task boxes are shown', () => {
  const { markup } = renderMarkdown('- [x] done\n- [ ] open');

  expect(markup).toContain('☑ done');
  expect(markup).toContain('☐ open');
});

test.each([
  ['![Loss](figures/loss.png)', 'report.md', 'figures/loss.png'],
  ['![Loss](../loss%20curve.png)', 'a/b/report.md', 'a/loss curve.png'],
  ['<img src="./x.svg?v=1#top" alt="x">', 'ä ö/report.md', 'ä ö/x.svg'],
])('the picture in %j of %s is the file %s', (text, name, path) => {
  expect(renderMarkdown(text, name).markup).toContain(`data-artifact="${path}"`);
});

test.each([
  ['[words](words.csv)', 'report.md', '/p/x/runs/1/artifacts/words.csv'],
  ['[words](../words.md#top)', 'a/report.md', '/p/x/runs/1/artifacts/words.md#top'],
])('the link in %j of %s leads to %s', (text, name, address) => {
  expect(renderMarkdown(text, name).markup).toContain(`href="${address}"`);
});

test.each(['/api/v1/runs', '..%2F..%2Fruns', 'https://example.org/x.png', 'javascript:alert(1)', '#top'])(
  'a picture at %s is replaced by its description',
  (address) => {
    expect(renderMarkdown(`![the loss](${address})`, '').markup).toBe('<p>the loss</p>\n');
  },
);

test.each([
  '>'.repeat(20_000),
  '- '.repeat(20_000) + 'x',
  '> '.repeat(20_000) + 'x',
  '*'.repeat(20_000) + 'x',
  '['.repeat(20_000),
  '![['.repeat(10_000),
  '<div>'.repeat(3_000),
])('deep nesting ends without an error: %#', (text) => {
  expect(() => render(text, 'report.md', addressOf)).not.toThrow();
});
