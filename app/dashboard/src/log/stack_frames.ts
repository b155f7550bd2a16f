/** Separates a program's own frames of a stack from those of libraries: Python, JavaScript, JVM, .NET, Ruby, Rust, Go. */

/** The lines of an excerpt that belong together: own ones, or those of two or more frames of libraries in a row. */
export interface Passage {
  readonly lines: readonly string[];
  /** `12 frames of site-packages`, or null if the lines are not folded. */
  readonly folded: string | null;
}

const FRAME = /^[\s|+]*(?:File "|at (?=\S)|from \S+:\d+:in )|^\t\S+\.go:\d+/;
/** Of Rust and Go, which write the function of a frame above its place. */
const FUNCTION = /^(?:\s+\d+: \S|created by |\S.*\)$)/;
const PLACE = /^\s+at \S+:\d+|^\t\S+\.go:\d+/;
const LIBRARIES: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['site-packages', /[/\\](?:site|dist)-packages[/\\]/],
  ['node_modules', /[/\\]node_modules[/\\]/],
  ['gems', /[/\\]gems[/\\]/],
  ['crates', /[/\\]\.cargo[/\\]registry[/\\]/],
  ['modules', /[/\\]pkg[/\\]mod[/\\]|[/\\]vendor[/\\]\S+\.go:/],
  [
    'libraries',
    /\[[^\]]+\.jar[:!]|\bat (?:org\.(?:springframework|apache|hibernate|junit)|com\.(?:google|fasterxml))\./,
  ],
  [
    'the runtime',
    /[/\\]lib[/\\]python\d|"<frozen |[( ]node:|\(<anonymous>\)|\bat (?:javax?|jdk|sun|kotlinx?|scala|System|Microsoft)\.|\bat java\.base\/|\/rustc\/|\/(?:local|lib|sdk)\/go[\d.-]*\/src\/|\/go\/[\d.]+\/\w+\/src\//,
  ],
];
const list = new Intl.ListFormat('en');

const isFrame = (line: string): boolean => FRAME.test(line);
export const isOwnFrame = (line: string): boolean => isFrame(line) && libraryOf(line) === undefined;

/** The library of a line that is a frame of one, or undefined. */
const libraryOf = (line: string): string | undefined => LIBRARIES.find(([, pattern]) => pattern.test(line))?.[0];
const indentOf = (line: string): number => line.search(/[^\s|+]/);

export function foldFrames(lines: readonly string[]): Passage[] {
  const passages: Passage[] = [];
  let own: string[] = [];
  let rest = lines;
  while (rest.length) {
    const { length, libraries } = libraryFramesIn(rest);
    if (libraries.length < 2) {
      own.push(rest[0]!);
      rest = rest.slice(1);
      continue;
    }
    if (own.length) passages.push({ lines: own, folded: null });
    own = [];
    const folded = `${libraries.length} frames of ${list.format([...new Set(libraries)])}`;
    passages.push({ lines: rest.slice(0, length), folded });
    rest = rest.slice(length);
  }
  return own.length ? [...passages, { lines: own, folded: null }] : passages;
}

/** The frames of libraries at the start, with the lines of source below each. */
function libraryFramesIn(lines: readonly string[]): { length: number; libraries: string[] } {
  const libraries: string[] = [];
  let indent = Infinity;
  let length = 0;
  while (length < lines.length) {
    const hasFunction = FUNCTION.test(lines[length]!) && PLACE.test(lines[length + 1] ?? '');
    const line = lines[length + Number(hasFunction)]!;
    const library = isFrame(line) ? libraryOf(line) : undefined;
    const isBelow = !isFrame(line) && (indentOf(line) > indent || /^\s*\[Previous line repeated/.test(line));
    if (library !== undefined) {
      libraries.push(library);
      indent = indentOf(line);
    } else if (!libraries.length || !isBelow) break;
    length += hasFunction ? 2 : 1;
  }
  return { length, libraries };
}
