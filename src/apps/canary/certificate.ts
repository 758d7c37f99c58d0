// A certificate made on the spot (RFC 5280), signed by itself with Ed25519 (RFC 8410): one key a seed, and signatures of one
// length that hold no chance, so that a handshake has the same sizes each time.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** In front of a private key's 32 bytes (RFC 8410 s.7). */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const TAG = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  text: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
} as const;
const ED25519 = '2b6570'; // 1.3.101.112
const COMMON_NAME = '550403'; // 2.5.4.3
const SUBJECT_ALT_NAME = '551d11'; // 2.5.29.17

/** @param names DNS names of the servers that have it; at least one */
export function certificateFor(names: readonly string[], seed: string): Certificate {
  const secret = createHash('sha256').update(`vxlab certificate\n${seed}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_HEAD, secret]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const algorithm = der(TAG.sequence, oid(ED25519));
  const name = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, oid(COMMON_NAME), der(TAG.text, Buffer.from('vxlab prove')))),
  );
  const alternatives = der(TAG.sequence, ...names.map((one) => der(TAG.dnsName, Buffer.from(one))));
  const extension = der(TAG.sequence, oid(SUBJECT_ALT_NAME), der(TAG.octets, alternatives));
  const signed = der(
    TAG.sequence,
    der(TAG.version, der(TAG.integer, Buffer.of(2))), // v3
    der(TAG.integer, Buffer.of(1)),
    algorithm,
    name,
    // OpenSSL holds it against the machine's clock, so it is good for long.
    der(TAG.sequence, time('200101000000Z'), time('491231235959Z')),
    name,
    spki,
    der(TAG.extensions, der(TAG.sequence, extension)),
  );
  const signature = der(TAG.bits, Buffer.of(0), sign(null, signed, key));
  const cert = der(TAG.sequence, signed, algorithm, signature);
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines(cert.toString('base64'))}-----END CERTIFICATE-----\n`,
    key: key.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), body]);
}

function oid(hex: string): Buffer {
  return der(TAG.oid, Buffer.from(hex, 'hex'));
}

function time(text: string): Buffer {
  return der(TAG.utcTime, Buffer.from(text));
}

function lines(text: string): string {
  return text.replace(/.{1,64}/g, '$&\n');
}
