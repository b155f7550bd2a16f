import { expect, test } from 'vitest';
import { findFault } from './member_name';

test.each([
  ['glossary-*', 'glossary-sales'],
  ['*-eu', 'sales-eu'],
  ['team-?', 'team-a'],
  ['shard-[0-9]', 'shard-7'],
  ['shard-[!0-9]', 'shard-a'],
])('the pattern %s has the name %s', (pattern, name) => {
  expect(findFault(pattern, name)).toBeNull();
});

test.each([
  ['glossary-*', 'Sales Team', 'must match glossary-*'],
  ['team-?', 'team-ab', 'must match team-?'],
  ['shard-[0-9]', 'shard-a', 'must match shard-[0-9]'],
  ['glossary-*', 'glossary-Sales Team', 'lower-case'],
  ['glossary-*', `glossary-${'x'.repeat(80)}`, 'at most 63'],
])('of the pattern %s, the name %s is refused', (pattern, name, fault) => {
  expect(findFault(pattern, name)).toContain(fault);
});
