/** The rows whose line is a JSON object. */
import { type JsonLine, parseJsonLine } from './json_line';
import { type Row, rowRecord, rowText } from './rows';

const parsed = new WeakMap<Row, JsonLine | null>();

export function jsonOf(row: Row): JsonLine | null {
  let json = parsed.get(row);
  if (json === undefined) {
    json = rowRecord(row).event === null ? parseJsonLine(rowText(row)) : null;
    parsed.set(row, json);
  }
  return json;
}
