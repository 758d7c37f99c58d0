// NTLM's messages, as they stand in SASL and HTTP ([MS-NLMP] s.2.2.1): the server's challenge, and the user's name, domain and
// answer.
//
//   "NTLMSSP\0" | type (4) | ...      fields: length (2), room (2), offset (4), all little-endian

import { hex } from './notes.ts';

const CHALLENGE = 2;
const AUTHENTICATE = 3;
/** Where each field is told in an AUTHENTICATE message. */
const LM = 12;
const NT = 20;
const DOMAIN = 28;
const USER = 36;
const FLAGS = 60;
const NEGOTIATE_UNICODE = 1;

export interface NtlmAnswer {
  /** `DOMAIN\user`, or the user where no domain is told. */
  readonly user: string;
  /** Hexadecimal; '' where there is none. */
  readonly lm: string;
  readonly nt: string;
}

function typeOf(bytes: Uint8Array): number {
  const mark = 'NTLMSSP\0';
  for (let i = 0; i < mark.length; i++) if (bytes[i] !== mark.charCodeAt(i)) return 0;
  return little(bytes, 8, 4);
}

function little(bytes: Uint8Array, at: number, n: number): number {
  let value = 0;
  for (let i = n - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

function field(bytes: Uint8Array, at: number): Uint8Array {
  const from = little(bytes, at + 4, 4);
  return bytes.subarray(from, from + little(bytes, at, 2));
}

/** The server's eight bytes in hexadecimal; null where these are no challenge. */
export function ntlmChallenge(bytes: Uint8Array): string | null {
  return typeOf(bytes) === CHALLENGE && bytes.length >= 32 ? hex(bytes.subarray(24, 32)) : null;
}

/** null where these are no answer. */
export function ntlmAnswer(bytes: Uint8Array): NtlmAnswer | null {
  if (typeOf(bytes) !== AUTHENTICATE || bytes.length < 64) return null;
  const wide = (little(bytes, FLAGS, 4) & NEGOTIATE_UNICODE) !== 0;
  const domain = words(field(bytes, DOMAIN), wide);
  const user = words(field(bytes, USER), wide);
  return {
    user: domain === '' ? user : `${domain}\\${user}`,
    lm: hex(field(bytes, LM)),
    nt: hex(field(bytes, NT)),
  };
}

/** UTF-16 with the low byte first, or one byte a character. */
function words(bytes: Uint8Array, wide: boolean): string {
  let text = '';
  const step = wide ? 2 : 1;
  for (let i = 0; i + step <= bytes.length; i += step) text += String.fromCharCode(little(bytes, i, step));
  return text;
}
