// By what MySQL's first packets are known: the server's greeting ("HandshakeV10"), the client's answer to it, and a query where
// the capture begins in the middle.

import type { Claim, Speech } from '../../reader.ts';
import { isSql } from '../grammar/sql.ts';
import { HEAD } from './packets.ts';

const VERSION_10 = 10;
const ERROR = 0xff;
/** "Too many connections", "host is blocked", "host is not allowed": what a server may say instead of a greeting. */
const REFUSALS: readonly number[] = [1040, 1129, 1130, 1203, 1226];
const GREETING_MAX = 512;
const VERSION_MAX = 64;
const PROTOCOL_41 = 0x0200;
const RESPONSE_MIN = 32;
const COM_QUERY = 3;
const COM_PREPARE = 22;
/** So much of a query is looked at. */
const QUERY_LOOK = 96;

function sizeOf(speech: Speech): number {
  return speech.byte(0) | (speech.byte(1) << 8) | (speech.byte(2) << 16);
}

/** The server's greeting, or a refusal instead of one. */
export function isGreeting(server: Speech): Claim {
  if (server.length < HEAD + 1)
    return server.length >= 3 && sizeOf(server) > GREETING_MAX ? 'not mine' : 'perhaps';
  const size = sizeOf(server);
  if (size > GREETING_MAX || size < 4 || server.byte(3) !== 0) return 'not mine';
  const first = server.byte(HEAD);
  if (first === ERROR) {
    if (server.length < HEAD + 3) return 'perhaps';
    return REFUSALS.includes(server.byte(5) | (server.byte(6) << 8)) ? 'mine' : 'not mine';
  }
  if (first !== VERSION_10) return 'not mine';
  const nul = server.find(0, HEAD + 1);
  const end = nul < 0 ? server.length : nul;
  if (end > HEAD + 1 + VERSION_MAX) return 'not mine';
  const version = server.latin1(HEAD + 1, end);
  if (!/^[\x20-\x7e]*$/.test(version)) return 'not mine';
  if (nul < 0) return 'perhaps';
  // Some proxies and stores that speak MySQL have a name there.
  return /\d/.test(version) && end - HEAD < size ? 'mine' : 'not mine';
}

/** The client's answer, where the greeting is not there. */
export function isResponse(client: Speech): Claim {
  if (client.length < HEAD) return 'perhaps';
  const size = sizeOf(client);
  if (client.byte(3) !== 1 || size < RESPONSE_MIN || size > 0xffff) return 'not mine';
  if (client.length < HEAD + RESPONSE_MIN) return 'perhaps';
  if (((client.byte(HEAD) | (client.byte(HEAD + 1) << 8)) & PROTOCOL_41) === 0) return 'not mine';
  // 19 bytes of filler that are 0 with every client.
  for (let at = HEAD + 9; at < HEAD + 28; at++) if (client.byte(at) !== 0) return 'not mine';
  return 'mine';
}

/** A query in a packet of its own. */
export function isQuery(client: Speech): Claim {
  if (client.length < HEAD + 1)
    return client.length === HEAD && client.byte(3) !== 0 ? 'not mine' : 'perhaps';
  const size = sizeOf(client);
  const command = client.byte(HEAD);
  if (client.byte(3) !== 0 || size < 4) return 'not mine';
  if (command !== COM_QUERY && command !== COM_PREPARE) return 'not mine';
  const end = Math.min(HEAD + size, HEAD + QUERY_LOOK);
  if (client.length < end) return 'perhaps';
  // Before the text there may be the numbers of parameters, none of them.
  const from = command === COM_QUERY && client.byte(HEAD + 1) === 0 ? HEAD + 3 : HEAD + 1;
  return isSql(client.latin1(from, end)) ? 'mine' : 'not mine';
}
