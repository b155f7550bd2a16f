/**
 * Markdown as markup that is safe to show, with a table of contents. Loaded only when somebody opens such a file. What
 * it links to opens elsewhere; images of other hosts and styles are left out, as the content security policy would.
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
  for (const image of body.querySelectorAll('img')) if (!image.getAttribute('src')?.startsWith('data:')) image.replaceWith(image.alt || 'image');
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
  return { headings: nameHeadings(body), markup: body.innerHTML };
}

function nameHeadings(body: HTMLElement): Heading[] {
  const seen = new Map<string, number>();
  return [...body.querySelectorAll<HTMLElement>('h1, h2, h3, h4')].map((heading) => {
    const text = heading.textContent?.trim() ?? '';
    const slug = `h-${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'section'}`;
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    heading.id = times ? `${slug}-${times}` : slug;
    return { id: heading.id, text, level: Number(heading.tagName[1]) };
  });
}
