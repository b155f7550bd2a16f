/** Draws the fields of a JSON line as a tree, below its row. */
import { markDirection } from './controls';
import { format } from './json_line';
import { make } from './row_text';

/** Enough to read. The download has all. */
const MAX_NODES = 500;
const MAX_SHOWN = 2000;

export function drawTree(value: Readonly<Record<string, unknown>>): HTMLElement {
  const tree = make('div', 'tree');
  const left = { count: MAX_NODES };
  tree.append(drawFields(value, left));
  if (left.count <= 0) tree.append(make('p', 'more', `Only the first ${MAX_NODES} fields are shown.`));
  return tree;
}

function drawFields(value: object, left: { count: number }): HTMLElement {
  const list = make('ul', '');
  for (const [key, field] of Object.entries(value)) {
    if (left.count-- <= 0) break;
    const item = make('li', '');
    const name = make('span', 'key', markDirection(key));
    if (typeof field === 'object' && field !== null && Object.keys(field as object).length > 0) {
      const branch = make('details', '');
      branch.open = true;
      const summary = make('summary', '');
      const size = Object.keys(field as object).length;
      summary.append(name, make('span', 'more', Array.isArray(field) ? ` [${size}]` : ` {${size}}`));
      branch.append(summary, drawFields(field as object, left));
      item.append(branch);
    } else item.append(name, make('span', 'value', markDirection(format(field)).slice(0, MAX_SHOWN)));
    list.append(item);
  }
  return list;
}
