/** Why the service itself ended a run, as the headline of its page. */
import type { Run, RunStep } from '../api/mapping';

const STOPPED_STEP = /^(?:timed out after|wrote nothing for|exceeded the limit of the log)\b/;
const STOPPED_RUN = /^(?:the run timed out after|the service was shut down|the database did not respond)\b[^;]*/;

/** `think timed out after 5 s`, `The service was shut down`; null if the work failed by itself. */
export function causeOf(run: Pick<Run, 'errorMessage'>, step: RunStep | undefined): string | null {
  if (step?.errorMessage && STOPPED_STEP.test(step.errorMessage)) return `${step.name} ${spaced(step.errorMessage)}`;
  const [cause] = STOPPED_RUN.exec(run.errorMessage ?? '') ?? [];
  return cause ? spaced(cause[0]!.toUpperCase() + cause.slice(1)) : null;
}

/** The service writes durations as solorun.toml does: `1m30s`. */
const spaced = (text: string): string =>
  text.replace(/\d+(?:\.\d+)?(?:ms|[dhms])(?:\d+(?:\.\d+)?[hms])*\b/g, (duration) =>
    duration.replace(
      /([\d.]+)([a-z]+)(?=(\d?))/g,
      (_, count: string, unit: string, next: string) => `${count}\u00a0${unit === 'm' ? 'min' : unit}${next && ' '}`,
    ),
  );
