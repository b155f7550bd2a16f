/** The pictures that the page of a run shows small. */
import type { Artifact } from '../api/mapping';
import { kindOf } from './kinds';

/** More would be an album. The list of artifacts has them all. */
const MAX_COUNT = 12;
/** Each is loaded whole, as a data: URL. */
const MAX_BYTES = 2_000_000;

export function pickThumbnails(artifacts: readonly Artifact[]): Artifact[] {
  return artifacts
    .filter((artifact) => kindOf(artifact) === 'image' && artifact.sizeBytes > 0 && artifact.sizeBytes <= MAX_BYTES)
    .slice(0, MAX_COUNT);
}
