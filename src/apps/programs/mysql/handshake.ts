// How a connection begins: the server's greeting, the client's answer, and the check of a password that never travels
// (dev.mysql.com, "Connection Phase Packets": HandshakeV10, HandshakeResponse41; "Native Authentication").

import { createHash } from 'node:crypto';
import { CHARSET_UTF8, STATUS } from './replies.ts';
import { VERSION } from './variables.ts';
import { PacketReader, terminated, uint } from './wire.ts';

export const PLUGIN = 'mysql_native_password';
export const SALT_LEN = 20;

const CAPABILITY = {
  longPassword: 0x1,
  foundRows: 0x2,
  longFlag: 0x4,
  connectWithDb: 0x8,
  ignoreSpace: 0x100,
  protocol41: 0x200,
  interactive: 0x400,
  ssl: 0x800,
  transactions: 0x2000,
  secureConnection: 0x8000,
  multiResults: 0x2_0000,
  pluginAuth: 0x8_0000,
  connectAttributes: 0x10_0000,
  lengthEncodedAuth: 0x20_0000,
} as const;

const CAPABILITIES: number = [
  CAPABILITY.longPassword,
  CAPABILITY.longFlag,
  CAPABILITY.connectWithDb,
  CAPABILITY.ignoreSpace,
  CAPABILITY.protocol41,
  CAPABILITY.interactive,
  CAPABILITY.transactions,
  CAPABILITY.secureConnection,
  CAPABILITY.pluginAuth,
  CAPABILITY.connectAttributes,
  CAPABILITY.lengthEncodedAuth,
].reduce((all, one) => all | one, 0);

/**
 * @param salt 20 bytes, none of them zero
 * @param secure the client may ask for TLS
 */
export function greeting(connection: number, salt: Buffer, secure: boolean = false): Buffer {
  const capabilities = secure ? CAPABILITIES | CAPABILITY.ssl : CAPABILITIES;
  return Buffer.concat([
    uint(1, 10),
    terminated(VERSION),
    uint(4, connection),
    salt.subarray(0, 8),
    uint(1, 0),
    uint(2, capabilities & 0xffff),
    uint(1, CHARSET_UTF8),
    uint(2, STATUS),
    uint(2, capabilities >>> 16),
    uint(1, SALT_LEN + 1),
    Buffer.alloc(10),
    salt.subarray(8),
    uint(1, 0),
    terminated(PLUGIN),
  ]);
}

export interface Login {
  readonly user: string;
  readonly proof: Buffer;
  /** Empty for none. */
  readonly database: string;
  readonly plugin: string;
}

/** An SSLRequest: the answer's first 32 bytes alone, to be sent whole again inside TLS. */
export const SSL_REQUEST_LEN = 32;

export function asksForTls(payload: Buffer): boolean {
  return payload.length === SSL_REQUEST_LEN && (payload.readUInt32LE(0) & CAPABILITY.ssl) !== 0;
}

/**
 * @param secured it came inside TLS
 * @returns null for what is no answer to the greeting, a demand for TLS where there is none among it
 */
export function readLogin(payload: Buffer, secured: boolean = false): Login | null {
  const reader = new PacketReader(payload);
  const flags = reader.uint(4);
  if ((flags & CAPABILITY.protocol41) === 0 || ((flags & CAPABILITY.ssl) !== 0 && !secured)) return null;
  reader.bytes(4 + 1 + 23); // largest packet, character set, filler
  const user = reader.terminated();
  const proof = readProof(reader, flags);
  const database = flags & CAPABILITY.connectWithDb ? reader.terminated() : '';
  const plugin = flags & CAPABILITY.pluginAuth ? reader.terminated() : PLUGIN;
  return reader.bad ? null : { user, proof, database, plugin };
}

function readProof(reader: PacketReader, flags: number): Buffer {
  if (flags & CAPABILITY.lengthEncodedAuth) return reader.lengthEncodedBytes();
  if (flags & CAPABILITY.secureConnection) return reader.bytes(reader.uint(1));
  return Buffer.from(reader.terminated());
}

/** AuthSwitchRequest: asks a client that began with another plugin for this one's proof. */
export function switchPlugin(salt: Buffer): Buffer {
  return Buffer.concat([uint(1, 0xfe), terminated(PLUGIN), salt, uint(1, 0)]);
}

/** SHA1(password) XOR SHA1(salt, SHA1(SHA1(password))); no bytes for no password. */
export function proofOf(password: string, salt: Buffer): Buffer {
  if (password === '') return Buffer.alloc(0);
  const once = sha1(Buffer.from(password));
  const mask = sha1(salt, sha1(once));
  return Buffer.from(once.map((byte, i) => byte ^ (mask[i] as number)));
}

function sha1(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
