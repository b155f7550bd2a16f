/** The one line that says why a step failed: the exception's own, for example `KeyError: 'text'`. */

/** The last line of a traceback: the exception's name, perhaps with its module, and its message. */
const EXCEPTION =
  /^(?:[A-Za-z_$][\w$]*[.:]+)*[A-Z][\w$]*(?:Error|Exception|Warning|Interrupt|Exit|Failure)\b(?:: .*|:?$)/;
const COMPLAINT = /\b(?:error|fatal|panic(?:ked)?|failed|not found|denied)\b/i;

/** `lines` are the step's last ones, oldest first. Returns null if there are none. */
export function failureReason(lines: readonly string[]): string | null {
  const said = lines.map((line) => line.trim()).filter((line) => line !== '');
  const last = (pattern: RegExp): string | undefined => said.findLast((line) => pattern.test(line));
  return last(EXCEPTION) ?? last(COMPLAINT) ?? said[said.length - 1] ?? null;
}
