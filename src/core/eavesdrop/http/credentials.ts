// Headers that tell who somebody is or let him in: Authorization (RFC 9110 s.11; Basic RFC 7617, Bearer RFC 6750, Digest RFC
// 7616), cookies (RFC 6265), and the headers in which services take keys.

import { ntlmAnswer } from '../protocols/grammar/ntlm.ts';
import { base64, bytesOf, textOf } from '../text.ts';
import type { Pen } from './pen.ts';

/** A header's value: text of one character a byte, and where in the speech it starts. */
export interface HeaderValue {
  readonly text: string;
  readonly at: number;
}

/** Headers whose value is a key, as the services that take them document. */
const KEYS: ReadonlySet<string> = new Set([
  'x-api-key',
  'x-apikey',
  'api-key',
  'apikey',
  'x-api-token',
  'x-access-token',
  'x-auth-token',
  'x-auth-key',
  'x-session-token',
  'x-amz-security-token',
  'x-goog-api-key',
  'x-vault-token',
  'x-consul-token',
  'x-registry-auth',
  'private-token',
  'job-token',
  'x-subject-token',
  'x-shopify-access-token',
  'ocp-apim-subscription-key',
]);

/** Tells what a header of a request or an answer gives away. `name` is in lower case. */
export function tellHeader(pen: Pen, name: string, value: HeaderValue): void {
  if (value.text === '') return;
  if (name === 'authorization') authorization(pen, '', value);
  else if (name === 'proxy-authorization') authorization(pen, ' for the proxy', value);
  else if (name === 'cookie') cookies(pen, value);
  else if (name === 'set-cookie') setCookie(pen, value);
  else if (KEYS.has(name)) {
    const { text, at } = value;
    pen.write('secret', `header ${name}`, '', textOf(bytesOf(text)), at, at + text.length);
  }
}

function authorization(pen: Pen, whose: string, { text, at }: HeaderValue): void {
  const match = /^([!-~]+)(?: +(.*))?$/s.exec(text);
  if (match === null) return;
  const [, scheme = '', rest = ''] = match;
  const from = at + text.length - rest.length;
  const to = at + text.length;
  if (rest === '') return;
  switch (scheme.toLowerCase()) {
    case 'basic': {
      const bytes = base64(rest);
      if (bytes === null) return;
      const plain = textOf(bytes);
      const colon = plain.indexOf(':');
      if (colon < 0) return;
      const [user, password] = [plain.slice(0, colon), plain.slice(colon + 1)];
      pen.write('secret', `Basic credentials${whose}`, user, password, from, to);
      return;
    }
    case 'bearer':
      pen.write('secret', `Bearer token${whose}`, '', textOf(bytesOf(rest)), from, to);
      return;
    case 'digest': {
      const user = parameter(rest, 'username');
      const realm = parameter(rest, 'realm');
      const text = [user, realm].filter((part) => part !== '').join(' at ');
      pen.write('challenge', `Digest answer${whose}`, text, textOf(bytesOf(rest)), from, to);
      return;
    }
    case 'ntlm':
    case 'negotiate': {
      // Of NTLM's messages the last one proves who it is; Kerberos' tickets are sealed.
      const answer = ntlmAnswer(base64(rest) ?? new Uint8Array(0));
      if (answer !== null) pen.write('challenge', `NTLM answer${whose}`, answer.user, answer.nt, from, to);
      return;
    }
    // A signature proves the key and does not show it; whose key it is stands beside it.
    case 'aws4-hmac-sha256':
      pen.write(
        'identity',
        'AWS access key id',
        parameter(rest, 'Credential').split('/')[0] ?? '',
        '',
        from,
        to,
      );
      return;
    default:
      pen.write('secret', `${scheme} credentials${whose}`, '', textOf(bytesOf(rest)), from, to);
  }
}

/** A parameter of an auth header, quoted or not; '' where it is not there. */
function parameter(text: string, name: string): string {
  const match = new RegExp(`(?:^|[\\s,])${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,]*))`, 'i').exec(text);
  return textOf(bytesOf((match?.[1] ?? match?.[2] ?? '').replace(/\\(.)/g, '$1')));
}

function cookies(pen: Pen, { text, at }: HeaderValue): void {
  for (let o = 0; o < text.length; ) {
    const semicolon = text.indexOf(';', o);
    const end = semicolon < 0 ? text.length : semicolon;
    cookie(pen, text, o, end, at);
    o = end + 1;
  }
}

/** Attributes such as Path come behind the first semicolon. */
function setCookie(pen: Pen, { text, at }: HeaderValue): void {
  const semicolon = text.indexOf(';');
  cookie(pen, text, 0, semicolon < 0 ? text.length : semicolon, at);
}

function cookie(pen: Pen, text: string, from: number, to: number, at: number): void {
  const equals = text.indexOf('=', from);
  if (equals < from || equals >= to) return;
  const name = text.slice(from, equals).trim();
  const value = text.slice(equals + 1, to).trimEnd();
  if (name === '' || value === '') return;
  const start = at + equals + 1;
  pen.write(
    'secret',
    `cookie ${textOf(bytesOf(name))}`,
    '',
    textOf(bytesOf(value)),
    start,
    start + value.length,
  );
}
