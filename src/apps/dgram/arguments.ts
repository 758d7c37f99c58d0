// The shapes in which node:dgram takes its arguments.

import { portOf } from '../net/arguments.ts';
import { nodeError } from '../net/errors.ts';

export type Payload = string | Uint8Array | DataView | readonly (string | Uint8Array)[];
type Sent = (error: Error | null, bytes?: number) => void;

export type SendArguments =
  | [payload: Payload, done?: Sent]
  | [payload: Payload, port: number, done?: Sent]
  | [payload: Payload, port: number, address?: string, done?: Sent]
  | [payload: Payload, offset: number, length: number, done?: Sent]
  | [payload: Payload, offset: number, length: number, port: number, done?: Sent]
  | [payload: Payload, offset: number, length: number, port: number, address?: string, done?: Sent];

export interface Sending {
  readonly bytes: Uint8Array;
  readonly port: number;
  readonly address: string | null;
  readonly done: Sent | null;
}

/** @throws ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_TYPE, ERR_BUFFER_OUT_OF_BOUNDS, ERR_SOCKET_DGRAM_IS_CONNECTED */
export function sendArguments(given: readonly unknown[], connected: boolean): Sending {
  const last = given.at(-1);
  const done = typeof last === 'function' ? (last as Sent) : null;
  const words = given.slice(1, done === null ? undefined : -1).filter((one) => one !== undefined);
  const whole = bytesOf(given[0]);
  // Node tells the shapes apart as this does: a connected socket is given two numbers or none, another one three or one.
  const cut = connected ? words.length >= 2 : typeof words[2] === 'number' || words.length >= 3;
  const bytes = cut ? part(whole, Number(words[0]), Number(words[1])) : whole;
  const rest = cut ? words.slice(2) : words;
  if (connected) {
    if (rest.length > 0) throw nodeError(Error, 'ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected');
    return { bytes, port: 0, address: null, done };
  }
  const port = portOf(rest[0], 'Port');
  if (port === 0) portOf(-1, 'Port');
  return { bytes, port, address: typeof rest[1] === 'string' && rest[1] !== '' ? rest[1] : null, done };
}

/** `bind([port][, address][, callback])` or with an object of both. @throws ERR_SOCKET_BAD_PORT */
export function bindArguments(
  given: readonly unknown[],
): [{ port: number; address: string | null }, (() => void) | null] {
  const last = given.at(-1);
  const listening = typeof last === 'function' ? (last as () => void) : null;
  const [first, second] = given;
  const { port, address } = (
    typeof first === 'object' && first !== null
      ? first
      : { port: typeof first === 'function' ? undefined : first, address: second }
  ) as { port?: unknown; address?: unknown };
  return [
    {
      port: port === undefined || port === null ? 0 : portOf(port, 'Port'),
      address: typeof address === 'string' && address !== '' ? address : null,
    },
    listening,
  ];
}

function bytesOf(payload: unknown): Uint8Array {
  if (typeof payload === 'string') return Buffer.from(payload);
  if (ArrayBuffer.isView(payload))
    return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  if (Array.isArray(payload)) return Buffer.concat(payload.map(bytesOf));
  throw nodeError(
    TypeError,
    'ERR_INVALID_ARG_TYPE',
    'The "buffer" argument must be of type string or an instance of Buffer, TypedArray, or DataView.',
  );
}

function part(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  if (offset > bytes.length) {
    throw nodeError(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS', '"offset" is outside of buffer bounds');
  }
  if (offset + length > bytes.length) {
    throw nodeError(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS', '"length" is outside of buffer bounds');
  }
  return bytes.subarray(offset, offset + length);
}
