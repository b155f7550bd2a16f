/** The browser's session. Only a service with a token has sessions, and only its login page says whether it has one. */
import { basePath } from '../api/base_path';

class Session {
  exists: boolean = $state(false);

  /** Updates `exists`. A service without a token redirects from its login page. */
  async check(): Promise<void> {
    const response = await fetch(`${basePath}/login`, { redirect: 'manual' }).catch(() => null);
    this.exists = response?.ok ?? false;
  }

  async end(): Promise<void> {
    await fetch(`${basePath}/logout`, { method: 'POST', redirect: 'manual' }).catch(() => null);
    location.assign(`${basePath}/login`);
  }
}

export const session = new Session();
