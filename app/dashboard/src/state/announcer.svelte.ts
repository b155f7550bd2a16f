/** Announces changes of runs and of the connection to screen readers, politely. Log lines are never announced. */
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
    else if (state === 'polling') this.announce('Live updates are delayed');
    else if (state === 'offline') this.announce('The service is not responding; showing the last known state');
  }
}

export const announcer = new Announcer();
