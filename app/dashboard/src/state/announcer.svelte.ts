/** What a screen reader is told, politely: changes of a run's state and of the connection, never lines of a log. */
import type { Run } from '../api/mapping';
import type { Connection } from '../live/connection';

class Announcer {
  text: string = $state('');

  tell(text: string): void {
    this.text = text;
  }

  tellStatus(run: Run): void {
    this.tell(`${run.project}, run ${run.id}: ${run.status}`);
  }

  tellConnection({ state }: Connection): void {
    if (state === 'connected') this.tell('Connected');
    else if (state === 'offline') this.tell('The service does not answer; what is shown may be old');
  }
}

export const announcer = new Announcer();
