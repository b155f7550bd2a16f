/** Parameters: as text, and as the values of a form. */
import type { GivenParams } from '../api/client';
import type { ParamValue, Run } from '../api/mapping';
import type { Parameter } from '../api/projects';

/** What the service shows in place of a secret. */
const MASK = '***';

/** As text. The items of a list are lines. */
export const formatParam = (value: ParamValue): string =>
  typeof value === 'object' ? value.join('\n') : String(value);

/** Whether the service hides this value or a part of it. It cannot be sent again: the run would get the mask. */
export const isMasked = (value: ParamValue | undefined): boolean =>
  value !== undefined && formatParam(value).includes(MASK);

/** The values of a form's fields: `true` and `false` of a checkbox, otherwise the text of the field. */
export type FieldValues = Record<string, string | boolean | undefined>;

/** The values with which a form begins: those of an earlier run without its secrets, else the defaults. */
export function toFields(declared: readonly Parameter[], earlier: Run['params'] = {}): FieldValues {
  return Object.fromEntries(
    declared.map((parameter) => {
      const given = earlier[parameter.name];
      const text = isMasked(given) ? '' : formatParam(given ?? parameter.default ?? '');
      return [parameter.name, parameter.type === 'boolean' ? text === 'true' : text];
    }),
  );
}

/** The parameters of a start. An empty field is left out, unless the service would replace it with the default. */
export function toParams(declared: readonly Parameter[], fields: FieldValues): Run['params'] {
  const given = declared.filter(({ name, default: value }) => (fields[name] ?? '') !== '' || value !== null);
  return Object.fromEntries(given.map(({ name }) => [name, fields[name] ?? '']));
}

/** What a form has changed of an earlier run's parameters. Null stands for a field that was emptied. */
export function toRerunParams(
  declared: readonly Parameter[],
  params: Run['params'],
  earlier: Run['params'],
): GivenParams {
  const before = toParams(declared, toFields(declared, earlier));
  const changed = Object.entries(params).filter(([name, value]) => value !== before[name]);
  const emptied = Object.keys(before).filter((name) => !(name in params));
  return Object.fromEntries([...changed, ...emptied.map((name) => [name, null] as const)]);
}
