/**
 * Parses JSON into a tree that keeps every token as the file has it. `JSON.parse` would round 9007199254740993, shorten
 * 1.10, and drop all but one of several equal keys.
 */
const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g;

export interface JsonNode {
  /** With its quotes; null in a list. */
  readonly key: string | null;
  /** A value, or the bracket that begins an object or a list. */
  readonly text: string;
  /** Null for a value. */
  readonly children: readonly JsonNode[] | null;
}

/** Returns null if the text is not JSON. */
export function parseJson(text: string): JsonNode | null {
  const source = text.replace(/^\ufeff/, '');
  if (!isJson(source)) return null;
  const top: JsonNode[] = [];
  const parents = [{ text: '[', children: top }];
  let key: string | null = null;
  for (const [token] of source.matchAll(TOKEN)) {
    if (token === ',' || token === ':') continue;
    if (token === '}' || token === ']') {
      parents.pop();
      continue;
    }
    const parent = parents[parents.length - 1]!;
    if (parent.text === '{' && key === null) {
      key = token;
      continue;
    }
    const children: JsonNode[] | null = token === '{' || token === '[' ? [] : null;
    parent.children.push({ key, text: token, children });
    if (children) parents.push({ text: token, children });
    key = null;
  }
  return top[0]!;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
