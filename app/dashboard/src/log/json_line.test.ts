import { expect, test } from 'vitest';
import { parseJsonLine } from './json_line';

test.each([
  ['{"time":1,"level":"ERROR","message":"rate limited","attempt":2}', 'error', 'rate limited', 'time=1 attempt=2'],
  ['{"level":40,"msg":"slow","path":"/a b"}', 'warning', 'slow', 'path="/a b"'],
  ['{"severity":"notice","event":"started","ok":true,"none":null}', 'info', 'started', 'ok=true none=null'],
  ['{"levelname":"debug","message":"a\\nb","user":{"id":42}}', 'debug', 'a ⏎ b', 'user={"id":42}'],
  ['{"level":"purple","msg":"x"}', null, 'x', 'level=purple'],
  ['{"count":3}', null, '', 'count=3'],
])('%s has its level, message and fields', (text, level, message, fields) => {
  const { value, ...line } = parseJsonLine(text)!;

  expect(line).toEqual({ level, message, fields });
  expect(value).toEqual(JSON.parse(text));
});

test.each(['{}', '[1]', '{"a":', 'text {"a":1}', '{"a":1} text', `{"a":"${'x'.repeat(40_000)}"}`])(
  'the line %.20s is shown as it is',
  (text) => {
    expect(parseJsonLine(text)).toBeNull();
  },
);
