/** Elements that have moved glide to their new places, so that the eye can follow. */
const DURATION_MS = 240;

/** Remembers where the articles and the headings of the list are. Call the result after they have moved. */
export function rememberPlaces(list: HTMLElement): () => void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return () => undefined;
  const find = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>('article, section > header')];
  const before = new Map(find().map((element) => [element.id, element.getBoundingClientRect()]));
  return () => {
    for (const element of find()) {
      const [was, is] = [before.get(element.id), element.getBoundingClientRect()];
      const [x, y] = was ? [was.left - is.left, was.top - is.top] : [0, 0];
      if (x || y)
        element.animate([{ transform: `translate(${x}px, ${y}px)` }, {}], {
          duration: DURATION_MS,
          easing: 'ease-in-out',
        });
    }
  };
}
