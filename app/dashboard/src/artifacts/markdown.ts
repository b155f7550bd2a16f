/**
 * Renders Markdown as sanitized HTML with a table of contents. Loaded only when a Markdown file is opened. Links open in
 * a new tab. Styles and images from other hosts are removed; the content security policy would block them anyway.
 */
import DOMPurify from 'dompurify';
import { Marked } from 'marked';

export interface Heading {
  readonly id: string;
  readonly text: string;
  readonly level: number;
}

export interface Rendered {
  readonly markup: string;
  readonly headings: readonly Heading[];
}

const marked = new Marked({ gfm: true });

export function renderMarkdown(text: string): Rendered {
  const dirty = marked.parse(text, { async: false });
  const body = DOMPurify.sanitize(dirty, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ['style', 'form', 'input', 'button', 'textarea', 'select', 'dialog', 'video', 'audio', 'source'],
    FORBID_ATTR: ['style', 'srcset', 'id', 'name', 'class'],
    RETURN_DOM: true,
  }) as HTMLElement;
  for (const image of body.querySelectorAll('img'))
    if (!image.getAttribute('src')?.startsWith('data:')) image.replaceWith(image.alt || 'image');
  for (const link of body.querySelectorAll('a')) {
    if (/^https?:/i.test(link.getAttribute('href') ?? '')) {
      link.target = '_blank';
      link.rel = 'noopener noreferrer';
    }
  }
  for (const table of body.querySelectorAll('table')) {
    const frame = document.createElement('div');
    frame.className = 'table';
    frame.tabIndex = 0;
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const th of body.querySelectorAll('thead th')) makeSortable(th);
  demoteHeadings(body);
  return { headings: nameHeadings(body), markup: body.innerHTML };
}

/** Puts a button into a column header, for the keyboard. A header with a link stays: a button must not contain one. */
function makeSortable(th: Element): void {
  if (th.querySelector('a')) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.append(...th.childNodes);
  th.append(button);
}

/** The page itself has the level 1 heading, so the document's highest headings become level 2. */
function demoteHeadings(body: HTMLElement): void {
  const headings = [...body.querySelectorAll('h1, h2, h3, h4, h5, h6')];
  const highest = Math.min(...headings.map(({ tagName }) => Number(tagName[1])));
  for (const heading of headings) {
    const demoted = document.createElement(`h${Math.min(6, Number(heading.tagName[1]) - highest + 2)}`);
    demoted.append(...heading.childNodes);
    heading.replaceWith(demoted);
  }
}

function nameHeadings(body: HTMLElement): Heading[] {
  const seen = new Map<string, number>();
  return [...body.querySelectorAll<HTMLElement>('h2, h3, h4, h5')].map((heading) => {
    const text = heading.textContent?.trim() ?? '';
    const slug = `h-${
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, '-')
        .replace(/^-|-$/g, '') || 'section'
    }`;
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    heading.id = times ? `${slug}-${times}` : slug;
    return { id: heading.id, text, level: Number(heading.tagName[1]) };
  });
}
