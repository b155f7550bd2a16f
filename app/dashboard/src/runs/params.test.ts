import { describe, expect, test } from 'vitest';
import type { Parameter } from '../api/projects';
import { formatParam, isMasked, toFields, toParams, toRerunParams } from './params';

const declare = (name: string, rules: Partial<Parameter> = {}): Parameter => ({
  name,
  type: 'string',
  required: false,
  description: '',
  default: null,
  choices: [],
  secret: false,
  min: null,
  max: null,
  ...rules,
});

const declared = [
  declare('version'),
  declare('note', { default: 'none' }),
  declare('replicas', { type: 'integer', default: 2 }),
  declare('dry_run', { type: 'boolean' }),
  declare('tags', { type: 'list' }),
  declare('token', { secret: true }),
];

test('a value is shown as text, a list with a line for each item', () => {
  expect(['a', 0.5, true, ['a', 'b']].map(formatParam)).toEqual(['a', '0.5', 'true', 'a\nb']);
});

test('a masked value is found in text and in lists', () => {
  expect([undefined, 'a', 1, '***', 'a***', ['a', '***']].map(isMasked)).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

describe('a form', () => {
  test('begins with the defaults', () => {
    expect(toFields(declared)).toEqual({
      version: '',
      note: 'none',
      replicas: '2',
      dry_run: false,
      tags: '',
      token: '',
    });
  });

  test('begins with the values of an earlier run, without its secrets', () => {
    const earlier = { version: 'v1', note: '', replicas: 3, dry_run: true, tags: ['a', 'b'], token: '***' };

    expect(toFields(declared, earlier)).toEqual({ ...earlier, replicas: '3', tags: 'a\nb', token: '' });
  });

  test('leaves out empty fields, except those whose default would be used', () => {
    const fields = { version: '', note: '', replicas: '4', dry_run: false, tags: 'a', token: '' };

    expect(toParams(declared, fields)).toEqual({ note: '', replicas: '4', dry_run: false, tags: 'a' });
  });
});

test('a rerun sends only what was changed, what was emptied, and secrets', () => {
  const earlier = { version: 'v1', note: 'short', replicas: 3, tags: ['a', 'b'], token: '***' };
  const fields = { ...toFields(declared, earlier), version: '', note: 'long', token: 'secret' };

  expect(toRerunParams(declared, toParams(declared, fields), earlier)).toEqual({
    version: null,
    note: 'long',
    token: 'secret',
  });
});
