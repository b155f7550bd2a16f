/** The links and pictures of a document: within it, to files of the same run, and to other places. */

/** The path of a file in the same run that a document refers to, or null if the reference leads elsewhere. */
export function resolveArtifact(document: string, reference: string): string | null {
  if (/^[/\\]/.test(reference)) return null;
  const base = `http://run/${document.split('/').map(encodeURIComponent).join('/')}`;
  try {
    const url = new URL(reference, base);
    const path = decodeURIComponent(url.pathname.slice(1));
    const isInside = url.host === 'run' && !path.split('/').some((part) => ['', '.', '..'].includes(part));
    return isInside ? path : null;
  } catch {
    return null;
  }
}

/** Marks pictures that are files of the same run with `data-artifact`. All others become their description. */
export function pointToPictures(body: HTMLElement, document: string): void {
  for (const image of body.querySelectorAll('img')) {
    const source = image.getAttribute('src') ?? '';
    if (/^data:image\//i.test(source)) continue;
    const path = source === '' ? null : resolveArtifact(document, source);
    if (path === null) image.replaceWith(image.alt || 'image');
    else {
      image.removeAttribute('src');
      image.dataset['artifact'] = path;
    }
  }
}

/** Relative links lead to the pages of the run's files, wherever the document is shown. */
export function pointToArtifacts(body: HTMLElement, document: string, addressOf: (path: string) => string): void {
  for (const link of body.querySelectorAll('a[href]')) {
    const [, reference = '', section = ''] = /^([^#]*)(.*)$/s.exec(link.getAttribute('href')!)!;
    const path = reference === '' ? null : resolveArtifact(document, reference);
    if (path !== null) link.setAttribute('href', addressOf(path) + section);
  }
}

/** Links to another origin open in a new tab, and tell it nothing. `//host` is one of them. */
export function openElsewhere(body: HTMLElement): void {
  for (const link of body.querySelectorAll('a')) {
    const url = parse(link.getAttribute('href') ?? '');
    if (!url || url.origin === location.origin || !/^https?:$/.test(url.protocol)) continue;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
  }
}

/** Links to sections by the ids that the author sees lead to the ids that they have here. */
export function pointToSections(body: HTMLElement): void {
  const ids = new Set([...body.querySelectorAll('[id]')].map(({ id }) => id));
  for (const link of body.querySelectorAll('a[href^="#"]')) {
    const name = decode(link.getAttribute('href')!.slice(1));
    const id = [`h-${name}`, `h-${name.toLowerCase()}`, `user-content-${name}`].find((one) => ids.has(one));
    // Footnotes have encoded ids.
    const encoded = `user-content-${link.getAttribute('href')!.slice(1)}`;
    if (id ?? ids.has(encoded)) link.setAttribute('href', `#${encodeURIComponent(id ?? encoded)}`);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parse(address: string): URL | null {
  try {
    return new URL(address, document.baseURI);
  } catch {
    return null;
  }
}
