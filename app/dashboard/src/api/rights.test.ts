import { expect, test } from 'vitest';
import { toFamily, toProject } from './projects';
import { NO_RIGHTS, Rights } from './rights';

const DECLARED = { title: '', steps: [], scopes: ['full'], params: [], current_run: null, last_run: null };
const RIGHTS = new Rights({
  projects: [
    toProject({ ...DECLARED, name: 'deploy', rights: ['view', 'start'] }),
    toProject({ ...DECLARED, name: 'handbook', rights: ['view', 'cancel'] }),
    toProject({ ...DECLARED, name: 'silent' }),
  ],
  families: [toFamily({ ...DECLARED, pattern: 'docs-*', projects: [], rights: ['view', 'start'] })],
  rights: ['view'],
  undeclared: { old: ['view', 'cancel'] },
});

test('a right in one project is no right in another, or in all of Solorun', () => {
  expect(RIGHTS.allow('start', 'deploy')).toBe(true);
  expect(RIGHTS.allow('start', 'handbook')).toBe(false);
  expect(RIGHTS.allow('cancel', 'handbook')).toBe(true);
  expect(RIGHTS.allow('start')).toBe(false);
  expect(RIGHTS.allow('view')).toBe(true);
});

test('a project that is no longer declared has rights, and cannot be started', () => {
  expect(RIGHTS.allow('cancel', 'old')).toBe(true);
  expect(RIGHTS.startable).toEqual(['deploy', 'docs-*']);
});

test('there are no rights in a project that the service does not list, or without an answer', () => {
  expect(RIGHTS.allow('view', 'unknown')).toBe(false);
  expect(RIGHTS.allow('view', 'constructor')).toBe(false);
  expect(RIGHTS.allow('view', 'silent')).toBe(false);
  expect(NO_RIGHTS.allow('view')).toBe(false);
});
