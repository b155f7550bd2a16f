/** Decodes text files of any common encoding, and recognizes text by its bytes. */

/** A file of an unknown type is judged by this many bytes. */
const SAMPLE_BYTES = 4096;

/** UTF-8 or UTF-16 if the bytes say so, else Windows-1252, which includes Latin-1. */
export function decodeText(bytes: Uint8Array): string {
  const encoding = utf16Of(bytes);
  if (encoding) return new TextDecoder(encoding).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Whether these first bytes of a file are text: without control characters other than white space and escapes. */
export function looksLikeText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  // eslint-disable-next-line no-control-regex
  return !/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(decodeText(sample.subarray(0, sample.length - (sample.length % 2))));
}

/** Reads a response's text. Returns null, and stops reading, if it is not text but `isText` is not known. */
export async function readText(response: Response, isText: boolean): Promise<string | null> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isChecked = isText;
  for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
    chunks.push(chunk.value);
    length += chunk.value.length;
    if (isChecked || length < SAMPLE_BYTES) continue;
    isChecked = true;
    if (looksLikeText(join(chunks, length))) continue;
    await reader?.cancel();
    return null;
  }
  const bytes = join(chunks, length);
  return isChecked || looksLikeText(bytes) ? decodeText(bytes) : null;
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** By a byte order mark, or by NUL bytes in every other place: most text has ASCII characters. */
function utf16Of(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const nuls = [0, 0];
  sample.forEach((byte, i) => byte === 0 && nuls[i % 2]!++);
  const enough = sample.length / 4;
  if (nuls[1]! > enough && nuls[0] === 0) return 'utf-16le';
  if (nuls[0]! > enough && nuls[1] === 0) return 'utf-16be';
  return null;
}
