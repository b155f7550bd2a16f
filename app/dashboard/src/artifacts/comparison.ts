/** Which files two runs have left, and whether they differ. */
import { listArtifacts, readArtifact } from '../api/client';
import type { Artifact } from '../api/mapping';
import { kindOf } from './kinds';
import { readText } from './text';

export interface ComparedFile {
  readonly name: string;
  readonly left: Artifact | null;
  readonly right: Artifact | null;
}

export interface ComparedFiles {
  readonly files: readonly ComparedFile[];
  /** Whether one of the runs has more files. */
  readonly isCut: boolean;
}

export type Verdict = 'only in the first' | 'only in the second' | 'different' | 'same' | 'same size';

const MAX_PAGES = 5;
/** Files of the same size are read to compare them, up to this size. */
const MAX_READ_BYTES = 200_000;
const MAX_SHOWN_BYTES = 1_000_000;

export async function compareFiles(left: number, right: number): Promise<ComparedFiles> {
  const lists = await Promise.all([left, right].map((id) => listArtifacts(id, MAX_PAGES)));
  const [first, second] = lists.map(({ artifacts }) => new Map(artifacts.map((file) => [file.name, file])));
  const names = [...new Set([...first!.keys(), ...second!.keys()])].sort((a, b) => a.localeCompare(b));
  return {
    files: names.map((name) => ({ name, left: first!.get(name) ?? null, right: second!.get(name) ?? null })),
    isCut: lists.some(({ hasMore, isCut }) => hasMore || isCut),
  };
}

export async function judge({ name, left, right }: ComparedFile, ids: readonly [number, number]): Promise<Verdict> {
  if (!left || !right) return left ? 'only in the first' : 'only in the second';
  if (left.sizeBytes !== right.sizeBytes) return 'different';
  if (left.sizeBytes > MAX_READ_BYTES) return 'same size';
  const [first, second] = await Promise.all(
    ids.map(async (id) => new Uint8Array(await (await readArtifact(id, name)).arrayBuffer())),
  );
  return first!.length === second!.length && first!.every((byte, i) => byte === second![i]) ? 'same' : 'different';
}

/** Whether the lines of the file can be compared. */
export const isComparable = ({ left, right }: ComparedFile): boolean =>
  [left, right].every((file) => file && file.sizeBytes <= MAX_SHOWN_BYTES && !['image', 'none'].includes(kindOf(file)));

export async function readBoth(name: string, ids: readonly [number, number]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await readText(await readArtifact(id, name), true)) ?? ''));
}
