// What an HTTP body says: forms (WHATWG URL s.5.1, RFC 7578), JSON (RFC 8259), other text; packed ones are unpacked
// (RFC 9110 s.8.4.1). At most BODY_MAX of its bytes are looked at.

import type { Inflate } from '../inflate.ts';
import type { Stretch } from '../pieces.ts';
import { bytesOf, latin1, textOf } from '../text.ts';
import type { Field } from './fields.ts';
import { formFields, jsonFields, sortOf, without } from './fields.ts';
import { parts } from './multipart.ts';
import type { Pen } from './pen.ts';

/** Bytes of a body that are read. */
export const BODY_MAX = 32_768;
/** Bytes that a packed body may become. */
const UNPACKED_MAX = 65_536;
/** Share of bytes that must be printable in a body that nobody calls text. */
const TEXT_SHARE = 0.9;

export interface BodyKind {
  /** The media type in lower case without parameters; '' where none is told. */
  readonly type: string;
  readonly boundary: string;
  /** Content-Encoding in lower case, '' for none. */
  readonly packing: string;
  /** `request` or `answer`: whose body it is. */
  readonly whose: string;
}

const TEXTUAL =
  /^text\/|[/+](?:json|xml|javascript|x-javascript|yaml|x-yaml|graphql|sql|x-ndjson|html)$|^application\/csp-report$/;
const BINARY =
  /^(?:image|audio|video|font)\/|^application\/(?:octet-stream|zip|pdf|x-tar|gzip|wasm|grpc|protobuf|x-protobuf)/;

/** Whether it is worth keeping: nothing is read of pictures, films and archives. */
export function isReadable({ type }: BodyKind): boolean {
  return !BINARY.test(type);
}

export function tellBody(pen: Pen, kind: BodyKind, body: Stretch, inflate: Inflate | null): void {
  if (body.bytes.length === 0) return;
  const { packing } = kind;
  if (packing === '' || packing === 'identity') {
    tell(pen, kind, body);
    return;
  }
  const isKnown = packing === 'gzip' || packing === 'x-gzip' || packing === 'deflate';
  const plain = isKnown
    ? (inflate?.(body.bytes, UNPACKED_MAX, packing === 'deflate' ? 'deflate' : 'gzip') ?? null)
    : null;
  if (plain === null) {
    whole(pen, body, `${kind.whose} body packed with ${packing}`, '');
    return;
  }
  // Bytes that were unpacked stand nowhere: all of the body holds each of them.
  const last = body.bytes.length - 1;
  tell(
    pen,
    kind,
    {
      bytes: plain,
      position: (at) => body.position(at < plain.length ? 0 : last),
    },
    true,
  );
}

function tell(pen: Pen, kind: BodyKind, body: Stretch, isPacked = false): void {
  const { bytes } = body;
  if (kind.type === 'application/x-www-form-urlencoded') {
    const text = latin1(bytes);
    tellFields(pen, 'form', text, formFields(text), body, isPacked, kind.whose);
  } else if (kind.type === 'multipart/form-data' && kind.boundary !== '') {
    const text = latin1(bytes);
    tellFields(pen, 'form', text, parts(text, kind.boundary), body, isPacked, kind.whose);
  } else if (/[/+]json$/.test(kind.type) || (kind.type === '' && beginsAsJson(bytes))) {
    const text = latin1(bytes);
    tellFields(pen, 'JSON', text, jsonFields(text), body, isPacked, kind.whose);
  } else if (TEXTUAL.test(kind.type) || looksLikeText(bytes)) {
    whole(pen, body, `${kind.whose} body`, textOf(bytes, pen.talk.textMax));
  }
}

/** The whole text without its secrets; then each secret, with the user's name beside it where the same text has one. */
function tellFields(
  pen: Pen,
  what: string,
  text: string,
  fields: readonly Field[],
  body: Stretch,
  isPacked: boolean,
  whose: string,
): void {
  const hidden = fields.filter(({ name, value }) => value !== '' && sortOf(name) === 'hidden');
  const users = fields.filter(({ name, value }) => value !== '' && sortOf(name) === 'user');
  const shownText = what === 'form' ? formText(text, fields, hidden) : textOf(bytesOf(without(text, hidden)));
  whole(pen, body, what === 'form' ? 'form' : `${whose} JSON`, shownText);
  // A list of people that a server answers with is content and nobody's log-in.
  const told = whose === 'request' || hidden.length > 0 ? users : [];
  const user = users[0] === undefined ? '' : users[0].value;
  const wire = (field: Field): [number, number] =>
    isPacked
      ? [body.position(0), body.position(Number.MAX_SAFE_INTEGER) + 1]
      : [body.position(field.from), body.position(field.to - 1) + 1];
  for (const field of told)
    pen.write('identity', `${what} field ${field.name}`, field.value, '', ...wire(field));
  for (const field of hidden)
    pen.write('secret', `${what} field ${field.name}`, user, field.value, ...wire(field));
}

function formText(text: string, fields: readonly Field[], hidden: readonly Field[]): string {
  if (fields.length === 0) return textOf(bytesOf(text));
  return fields.map((field) => `${field.name}=${hidden.includes(field) ? '***' : field.value}`).join('&');
}

function whole(pen: Pen, body: Stretch, what: string, text: string): void {
  const from = body.position(0);
  pen.write('content', what, text, '', from, body.position(Number.MAX_SAFE_INTEGER) + 1);
}

/** A brace or a bracket behind white space. */
function beginsAsJson(bytes: Uint8Array): boolean {
  const at = bytes.findIndex((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d));
  return bytes[at] === 0x7b || bytes[at] === 0x5b;
}

function looksLikeText(bytes: Uint8Array): boolean {
  let printable = 0;
  const last = Math.min(bytes.length, 1024);
  for (let i = 0; i < last; i++) {
    const byte = bytes[i] as number;
    if ((byte >= 0x20 && byte !== 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d) {
      if (byte < 0x80) printable++;
    }
  }
  return printable >= last * TEXT_SHARE;
}
