/** Keeps coloured text readable: on the log's background in both themes, and on backgrounds of its own. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** More than the 4.5 that WCAG asks for, because the backgrounds of errors and marked lines are tinted. */
const MIN_RATIO = 5.7;
/** On one of the 16 background colours, which differ more from the log's. */
const MIN_RATIO_ON_COLOUR = 7;
const LIGHT: Rgb = [255, 255, 255];
const DARK: Rgb = [10, 13, 18];
const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];
const MAX_CACHED = 1000;
const cached = new Map<string, string>();

/** A CSS colour as close to this one as is readable in both themes. */
export function readableText(colour: Rgb, isOnColour: boolean): string {
  const key = `${colour.join()} ${isOnColour}`;
  const known = cached.get(key);
  if (known !== undefined) return known;
  const ratio = isOnColour ? MIN_RATIO_ON_COLOUR : MIN_RATIO;
  const found = `light-dark(${toCss(mixed(colour, BLACK, LIGHT, ratio))}, ${toCss(mixed(colour, WHITE, DARK, ratio))})`;
  if (cached.size >= MAX_CACHED) cached.clear();
  cached.set(key, found);
  return found;
}

/** The same on a background that is the same in both themes. Without a colour, black or white. */
export function readableOn(background: Rgb, colour: Rgb | null): string {
  const other = contrast(background, BLACK) > contrast(background, WHITE) ? BLACK : WHITE;
  return toCss(colour ? mixed(colour, other, background, 4.5) : other);
}

export const toCss = (colour: Rgb): string => `rgb(${colour.join(',')})`;

/** The contrast ratio of WCAG, from 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((one, other) => other - one) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function mixed(colour: Rgb, other: Rgb, background: Rgb, ratio: number): Rgb {
  for (let share = 0; share < 1; share += 0.05) {
    const mix = colour.map((value, i) => Math.round(value + (other[i]! - value) * share)) as unknown as Rgb;
    if (contrast(mix, background) >= ratio) return mix;
  }
  return other;
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
