/**
 * Renders Markdown as sanitized HTML with a table of contents. Loaded only when a Markdown file is opened. Styles and
 * images from other hosts are removed; the content security policy would block them anyway.
 */
import DOMPurify from 'dompurify';
import GithubSlugger from 'github-slugger';
import { Marked } from 'marked';
import footnotes from 'marked-footnote';
import { openElsewhere, pointToArtifacts, pointToPictures, pointToSections } from './references';

export interface Heading {
  readonly id: string;
  readonly text: string;
  readonly level: number;
}

export interface Rendered {
  readonly markup: string;
  readonly headings: readonly Heading[];
}

/** The parser calls itself for each level of nesting. */
const TOO_DEEP = /^(?:[ \t]*(?:>|[-*+](?=[ \t]))){100}/m;

/**
 * `name` is the file's, which its pictures and links are relative to; `addressOf` returns the page of another file of the
 * run. Returns null if the text is nested too deeply.
 */
export function renderMarkdown(text: string, name: string, addressOf: (path: string) => string): Rendered | null {
  const dirty = toHtml(text);
  if (dirty === null) return null;
  const body = DOMPurify.sanitize(dirty, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: [
      ...['style', 'form', 'input', 'button', 'textarea', 'select', 'dialog', 'video', 'audio', 'source'],
      ...['map', 'area'],
    ],
    FORBID_ATTR: ['style', 'srcset', 'class', 'aria-describedby'],
    ALLOW_DATA_ATTR: false,
    // Prefixes ids, so that a document cannot replace an element or a variable of the page.
    SANITIZE_NAMED_PROPS: true,
    RETURN_DOM: true,
  }) as HTMLElement | null;
  if (!body) return null;
  pointToPictures(body, name);
  pointToArtifacts(body, name, addressOf);
  openElsewhere(body);
  for (const table of body.querySelectorAll('table')) {
    const frame = document.createElement('div');
    frame.className = 'table';
    frame.tabIndex = 0;
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const pre of body.querySelectorAll('pre')) pre.tabIndex = 0;
  for (const th of body.querySelectorAll('thead th')) makeSortable(th);
  demoteHeadings(body);
  const headings = nameHeadings(body);
  pointToSections(body);
  return { headings, markup: body.innerHTML };
}

function toHtml(text: string): string | null {
  if (TOO_DEEP.test(text)) return null;
  const marked = new Marked({
    gfm: true,
    // As text: forms are not allowed.
    renderer: { checkbox: ({ checked }) => (checked ? '☑ ' : '☐ ') },
  }).use(footnotes());
  try {
    return marked.parse(text, { async: false });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
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

/** Ids as on GitHub, with a prefix. */
function nameHeadings(body: HTMLElement): Heading[] {
  const slugger = new GithubSlugger();
  return [...body.querySelectorAll<HTMLElement>('h2, h3, h4, h5, h6')].map((heading) => {
    const text = heading.textContent?.trim() ?? '';
    const slug = slugger.slug(text);
    heading.id = `h-${slug.replace(/^-+$/, '') ? slug : slugger.slug('section')}`;
    return { id: heading.id, text, level: Number(heading.tagName[1]) };
  });
}
