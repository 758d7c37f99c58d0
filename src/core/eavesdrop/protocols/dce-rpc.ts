// DCE/RPC's log-ins over TCP: who binds to a service with NTLM (C706 s.12.6; [MS-RPCE] s.2.2.2.11). Calls are not read.
//
//   5 | minor | type | flags | data representation (4) | length (2) | length of the token (2) | call (4) | ...

import type { Claim, Protocol, Speech, Talk } from '../reader.ts';
import type { LogInProtocol } from './grammar/log-in.ts';
import { LogInReader } from './grammar/log-in.ts';

const VERSION = 5;
const HEADER = 16;
const BIND = 11;
/** bind, bind_ack, alter_context and its answer, auth3. */
const BINDINGS: ReadonlySet<number> = new Set([BIND, 12, 14, 15, 16]);
const TYPE_MAX = 20;
const LITTLE = 0x10;

function uint16(speech: Speech, at: number): number {
  return speech.byte(4) === LITTLE ? speech.byte(at) | (speech.byte(at + 1) << 8) : speech.uint16(at);
}

/** Bytes of a message; -1 where its header cannot be one. */
function sizeOf(speech: Speech): number {
  const isOne =
    speech.byte(0) === VERSION &&
    speech.byte(1) <= 1 &&
    speech.byte(2) <= TYPE_MAX &&
    (speech.byte(4) & 0xef) === 0 &&
    speech.uint16(6) === 0;
  return isOne ? uint16(speech, 8) : -1;
}

const LOG_IN: LogInProtocol = {
  name: 'DCE/RPC',
  header: HEADER,
  step: 'bind',
  sizeOf,
  carriesToken: (speech) => BINDINGS.has(speech.byte(2)) && uint16(speech, 10) > 0,
};

export const dceRpc: Protocol = {
  name: LOG_IN.name,
  ports: [135],
  claim: ({ client, server }: Talk): Claim => {
    if (client.length === 0) return server.length === 0 ? 'perhaps' : 'not mine';
    if (client.byte(0) !== VERSION) return 'not mine';
    if (client.length < HEADER) return 'perhaps';
    return sizeOf(client) >= HEADER && client.byte(2) === BIND ? 'mine' : 'not mine';
  },
  reader: (talk) => new LogInReader(talk, LOG_IN),
};
