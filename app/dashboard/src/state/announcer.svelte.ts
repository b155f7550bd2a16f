/** What a screen reader is told, politely: changes of a run's state and of the connection, never lines of a log. */
import type { Run } from '../api/mapping';
import type { Connection } from '../live/connection';

class Announcer {
  text: string = $state('');

  announce(text: string): void {
    this.text = text;
  }

  announceStatus(run: Run): void {
    this.announce(`${run.project}, run ${run.id}: ${run.status}`);
  }

  announceConnection({ state }: Connection): void {
    if (state === 'connected') this.announce('Connected');
    else if (state === 'offline') this.announce('The service does not answer; what is shown may be old');
  }
}

export const announcer = new Announcer();
