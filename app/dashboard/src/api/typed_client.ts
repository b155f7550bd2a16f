/** A client for the paths of the service's OpenAPI document, with the types of openapi-fetch but none of its code. */
import type { Client } from 'openapi-fetch';

type Value = string | number | boolean;

interface Options {
  readonly params?: {
    readonly path?: Readonly<Record<string, Value>>;
    readonly query?: Readonly<Record<string, Value | readonly Value[] | null | undefined>>;
    readonly header?: Readonly<Record<string, string>>;
  };
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** `send` throws if the response is an error. */
export function createClient<Paths extends object>(
  baseUrl: string,
  send: (request: Request) => Promise<Response>,
): Pick<Client<Paths>, 'GET' | 'POST' | 'DELETE'> {
  const method =
    (name: string) =>
    async (path: string, { params = {}, body, signal }: Options = {}) => {
      const address = path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(params.path![key]!));
      const query = Object.entries(params.query ?? {})
        .flatMap(([key, value]) => [value ?? []].flat().map((one) => `${key}=${encodeURIComponent(one)}`))
        .join('&');
      const response = await send(
        new Request(`${baseUrl}${address}${query && '?'}${query}`, {
          method: name,
          headers: { ...params.header, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          ...(signal && { signal }),
        }),
      );
      const text = await response.text();
      return { data: text ? (JSON.parse(text) as unknown) : undefined, response };
    };
  return { GET: method('GET'), POST: method('POST'), DELETE: method('DELETE') } as never;
}
