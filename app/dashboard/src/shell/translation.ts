/**
 * Keeps a page alive that the browser translates. A translator replaces text nodes by `<font>` elements, while Svelte
 * goes on writing to the nodes, outside of the document. Here each node returns to its place, empty, in front of its
 * translation. When it is written to or removed, the translation is removed.
 */
interface Translation {
  readonly element: Element;
  readonly original: string;
}

/** Returns a function that stops it. */
export function surviveTranslation(root: Node): () => void {
  const translations = new Map<Text, Translation>();
  const observer = new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === 'characterData') discard(change.target as Text);
      else for (const removed of change.removedNodes) handleRemoved(removed, change);
    }
  });
  observer.observe(root, { childList: true, subtree: true });

  function handleRemoved(removed: Node, change: MutationRecord): void {
    if (!(removed instanceof Text)) return removed instanceof Element ? restore(removed) : undefined;
    if (removed.isConnected) return;
    // A translator may also insert its element in a change of its own, before it removes the text.
    const element = [...change.addedNodes, change.previousSibling, change.nextSibling].find(isTranslation);
    if (translations.has(removed)) discard(removed);
    else if (element && ![...translations.values()].some((one) => one.element === element)) adopt(removed, element);
  }

  function adopt(text: Text, element: Element): void {
    translations.set(text, { element, original: text.data });
    text.data = '';
    element.before(text);
    observer.observe(text, { characterData: true });
  }

  function discard(text: Text): void {
    const known = translations.get(text);
    if (!known || (text.isConnected && text.data === '')) return;
    translations.delete(text);
    known.element.remove();
  }

  /** The translator removes its elements when the user asks for the original. */
  function restore(element: Element): void {
    for (const [text, known] of translations) {
      if (known.element !== element || element.isConnected) continue;
      translations.delete(text);
      if (text.data === '') text.data = known.original;
    }
  }

  return () => observer.disconnect();
}

const isTranslation = (node: Node | null): node is Element =>
  node instanceof Element && node.tagName === 'FONT' && node.isConnected;
