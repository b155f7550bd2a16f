/** The names of the projects of a family. */

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;

/** What is wrong with a name; null if it matches `pattern`, with `*`, `?` and `[...]` as in a shell. */
export function findFault(pattern: string, name: string): string | null {
  const expression = pattern.replaceAll('[!', '[^').replaceAll('*', '.*').replaceAll('?', '.');
  if (!new RegExp(`^${expression}$`).test(name)) return `“${name}” is not a valid name: it must match ${pattern}.`;
  return NAME.test(name)
    ? null
    : `“${name}” is not a valid name: use at most 63 lower-case letters, digits, “_” and “-”.`;
}
