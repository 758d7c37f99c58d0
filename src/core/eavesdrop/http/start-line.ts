// The first line of an HTTP/1 message (RFC 9112 s.3 and s.4), and what the target of a request says.

import { percentDecoded } from '../text.ts';
import type { Field } from './fields.ts';
import { formFields, sortOf, without } from './fields.ts';
import type { Pen } from './pen.ts';

export const METHODS: readonly string[] = [
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'SEARCH',
  'PURGE',
  'NOTIFY',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
];

export interface RequestLine {
  readonly method: string;
  readonly target: string;
}

const REQUEST = /^([A-Z][A-Z-]{1,19}) (\S+) HTTP\/1\.[01]$/;
const STATUS = /^HTTP\/1\.[01] ([1-5]\d\d)(?: .*)?$/;

/** null for what is none. From one character a byte, without the line's end. */
export function requestLine(line: string): RequestLine | null {
  const match = REQUEST.exec(line);
  return match === null ? null : { method: match[1] as string, target: match[2] as string };
}

/** The code, 0 where the line is no status line. */
export function statusCode(line: string): number {
  return Number(STATUS.exec(line)?.[1] ?? 0);
}

/** Where in a line that began otherwise a first line may start, -1 for nowhere. */
export function startIn(line: string, isClient: boolean): number {
  if (!isClient) return line.indexOf('HTTP/1.');
  return /[A-Z][A-Z-]{1,19} \S+ HTTP\/1\.[01]$/.exec(line)?.index ?? -1;
}

/** Whether a message may begin so: 'line' when a whole line proves it, 'start' when what is there fits. */
export function beginning(text: string): 'line' | 'start' | 'no' {
  const end = text.indexOf('\n');
  if (end >= 0) {
    const line = text.slice(0, end).replace(/\r$/, '');
    return requestLine(line) !== null || statusCode(line) !== 0 ? 'line' : 'no';
  }
  if (fits(text, 'HTTP/1.')) return 'start';
  const space = text.indexOf(' ');
  if (space < 0) return METHODS.some((method) => method.startsWith(text)) ? 'start' : 'no';
  // The version at the line's end is what decides; a target has no blank.
  const rest = text.slice(space + 1).replace(/\r$/, '');
  const second = rest.indexOf(' ');
  if (!METHODS.includes(text.slice(0, space))) return 'no';
  return second < 0 || fits(rest.slice(second + 1), 'HTTP/1.') ? 'start' : 'no';
}

function fits(text: string, whole: string): boolean {
  return text.startsWith(whole) || whole.startsWith(text);
}

/** Tells a request's line, the secrets in its query and those in front of its host. */
export function tellRequest(pen: Pen, { method, target }: RequestLine, at: number, length: number): void {
  const targetAt = at + method.length + 1;
  const question = target.indexOf('?');
  const query = question < 0 ? target.length : question + 1;
  const hidden: Field[] = formFields(target.slice(query))
    .filter(({ name, value }) => value !== '' && sortOf(name) === 'hidden')
    .map((field) => ({ ...field, from: field.from + query, to: field.to + query }));
  const login = userInfo(target);
  const inFront = login === null ? hidden : [login, ...hidden];
  pen.write('content', 'request', `${method} ${without(target, inFront)}`, '', at, at + length);
  if (login !== null) {
    pen.write(
      'secret',
      'password in a URL',
      login.name,
      login.value,
      targetAt + login.from,
      targetAt + login.to,
    );
  }
  for (const { name, value, from, to } of hidden)
    pen.write('secret', `query field ${name}`, '', value, targetAt + from, targetAt + to);
}

/** User and password of `http://user:password@host/` (RFC 3986 s.3.2.1), which a proxy is told. */
function userInfo(target: string): Field | null {
  const match = /^([a-z][a-z\d+.-]*:\/\/)([^/?#@:]*):([^/?#@]+)@/i.exec(target);
  if (match === null) return null;
  const [, scheme = '', user = '', password = ''] = match;
  const from = scheme.length + user.length + 1;
  return { name: percentDecoded(user), value: percentDecoded(password), from, to: from + password.length };
}
