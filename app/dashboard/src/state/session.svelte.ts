/** The browser's session. Only a service with a token has sessions, and only its login page says whether it has one. */
import { basePath } from '../api/base_path';
import { Problem } from '../api/client';

class Session {
  exists: boolean = $state(false);

  /** Updates `exists` if the service responds. Without a token, it redirects from its login page. */
  async check(): Promise<void> {
    const response = await fetch(`${basePath}/login`, { redirect: 'manual' }).catch(() => null);
    if (response) this.exists = response.ok;
  }

  /** Throws a Problem if the service does not respond: then there is no page to go to. */
  async end(): Promise<void> {
    const response = await fetch(`${basePath}/logout`, { method: 'POST', redirect: 'manual' }).catch(() => null);
    if (!response) throw new Problem(0);
    location.assign(`${basePath}/login`);
  }
}

export const session = new Session();
