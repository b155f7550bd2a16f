import { join } from '../runs/format';

export function formatSize(bytes: number): string {
  if (bytes < 1000) return join(String(bytes), 'B');
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return join((bytes / 1000 ** power).toFixed(bytes / 1000 ** power < 10 ? 1 : 0), ['B', 'kB', 'MB', 'GB'][power]!);
}
