/**
 * Characters that change the direction of text. They can make a line look like another one, so they are shown as marks
 * and have no effect.
 */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The parts of a text: at odd places, the direction characters. */
export const splitAtDirection = (text: string): string[] => text.split(new RegExp(`(${DIRECTION.source})`));

export const nameOf = (char: string): string => `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

/** The text with marks such as `[U+202E]` in place of the direction characters. */
export const markDirection = (text: string): string => text.replace(DIRECTION, (char) => `[${nameOf(char)}]`);
