import { expect, test } from 'vitest';
import { changedParams } from './params';

test('only changed parameters are sent, and those that were cleared', () => {
  const run = { params: { date: 'monday', tone: 'dry', key: '***' } };

  expect(changedParams({ date: 'monday', tone: '', key: 'secret', length: '', style: 'plain' }, run)).toEqual({
    tone: '',
    key: 'secret',
    style: 'plain',
  });
});
