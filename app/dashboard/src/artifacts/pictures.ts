/** Pictures as data: URLs. Artifacts are attachments, and the content security policy allows no other addresses. */
import { Problem, readArtifact } from '../api/client';

export async function readPicture(runId: number, name: string): Promise<string> {
  return toDataAddress(await (await readArtifact(runId, name)).blob(), name);
}

/** The type of an SVG is set by its name: not every machine knows it. */
export function toDataAddress(blob: Blob, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new Problem(0));
    reader.readAsDataURL(/\.svg$/i.test(name) ? blob.slice(0, blob.size, 'image/svg+xml') : blob);
  });
}
