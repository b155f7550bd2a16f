import { expect, test } from 'vitest';
import { TextFinder } from './finding';
import { findAddresses } from './links';
import { drawText } from './row_text';

function draw(line: string, q = ''): HTMLElement {
  const parent = document.createElement('span');
  drawText(parent, line, q ? new TextFinder(q) : null);
  return parent;
}

test.each([
  ['İstanbul needle', ['needle']],
  ['İİİ NEEDLE İ needle', ['NEEDLE', 'needle']],
  ['𝒳 İ needle', ['needle']],
  ['none', []],
])('the hits in %j are marked', (line, hits) => {
  expect([...draw(line, 'needle').querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(hits);
});

test('a letter that is longer in lower case is found whole', () => {
  expect(new TextFinder('i\u0307').find('xİy')).toEqual([[1, 2]]);
});

test.each([
  ['see https://a.example/x_(y) now', 'https://a.example/x_(y)'],
  ['(see https://a.example/x)', 'https://a.example/x'],
  ['(see https://a.example/x_(y)).', 'https://a.example/x_(y)'],
  ['[https://a.example/[1]]', 'https://a.example/[1]'],
  ['https://a.example/x, and', 'https://a.example/x'],
  ['"https://a.example/x"', 'https://a.example/x'],
  ['https://[::1]:8700/', 'https://[::1]:8700/'],
])('in %j the address is %s', (line, address) => {
  expect(findAddresses(line).map((range) => line.slice(...range))).toEqual([address]);
});

test('a protocol without a host is no address', () => {
  expect(findAddresses('https://).')).toEqual([]);
});

test('an address is a link that says where it leads and sends no referrer', () => {
  const link = draw('see https://a.example/x_(y)').querySelector('a');

  expect(link).toMatchObject({ href: 'https://a.example/x_(y)', rel: 'noopener noreferrer', target: '_blank' });
});

test('a link of the output keeps its text, its colours and its hits', () => {
  const element = draw('\x1b]8;;https://a.example/\x07the \x1b[31mreport\x1b]8;;\x07 of https://b.example/', 'report');
  const links = [...element.querySelectorAll('a')];

  expect(links.map((link) => [link.textContent, link.href])).toEqual([
    ['the report', 'https://a.example/'],
    ['https://b.example/', 'https://b.example/'],
  ]);
  expect(links[0]?.title).toBe('https://a.example/');
  expect(element.querySelector('mark')?.textContent).toBe('report');
});

test('characters that change the direction of text are shown as marks', () => {
  const element = draw('user\u202e gnp.exe \x1b[1m\u2066x\x1b[0m');

  expect([...element.querySelectorAll('.control')].map((mark) => mark.textContent)).toEqual(['U+202E', 'U+2066']);
  expect(element.textContent).not.toMatch(/[\u202e\u2066]/);
});

test('a hit has the colours of a hit alone', () => {
  const mark = draw('\x1b[1;31;42mneedle', 'needle').querySelector('mark');

  expect(mark?.className).toBe('bold');
});
