import { expect, test } from 'vitest';
import { parseJsonLine } from './json_line';

test.each([
  ['{"time":1,"level":"ERROR","message":"rate limited","attempt":2}', 'rate limited', 'attempt=2 time=1'],
  ['{"level":40,"msg":"slow","path":"/a b"}', 'slow', 'path="/a b"'],
  ['{"severity":"notice","event":"started","ok":true,"none":null}', 'started', 'ok=true none=null'],
  ['{"message":"a\\nb","user":{"id":42}}', 'a ⏎ b', 'user={"id":42}'],
  ['{"count":3}', '', 'count=3'],
])('%s has its message and fields', (text, message, fields) => {
  expect(parseJsonLine(text)).toEqual({ message, fields, value: JSON.parse(text) as object });
});

test.each(['{}', '[1]', '{"a":', 'text {"a":1}', '{"a":1} text', `{"a":"${'x'.repeat(40_000)}"}`])(
  'the line %.20s is shown as it is',
  (text) => {
    expect(parseJsonLine(text)).toBeNull();
  },
);
