/**
 * Indents JSON and keeps every token as the file has it. Parsing and printing would round 9007199254740993, shorten 1.10,
 * and drop all but one of several equal keys.
 */
const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g;
/** Deeper levels are not indented further: the result would grow with the square of the depth. */
const MAX_INDENTED = 100;

/** Returns the text unchanged if it is not JSON. */
export function formatJson(text: string): string {
  const source = text.replace(/^\ufeff/, '');
  if (!isJson(source)) return text;
  const parts: string[] = [];
  let depth = 0;
  let isEmpty = false;
  const newLine = (): string => `\n${'  '.repeat(Math.min(depth, MAX_INDENTED))}`;
  for (const [token] of source.matchAll(TOKEN)) {
    if (token === '}' || token === ']') {
      depth--;
      parts.push(isEmpty ? token : newLine() + token);
      isEmpty = false;
      continue;
    }
    if (isEmpty) parts.push(newLine());
    isEmpty = token === '{' || token === '[';
    if (isEmpty) depth++;
    parts.push(token === ',' ? token + newLine() : token === ':' ? ': ' : token);
  }
  return parts.join('');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
