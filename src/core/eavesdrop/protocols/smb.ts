// SMB's log-ins: the session setup of both of its generations ([MS-SMB] s.2.2.4.6, [MS-SMB2] s.2.2.5), over TCP or NetBIOS (RFC 1002
// s.4.3). Files and their names are not read.
//
//   0 | length (3) | 0xff "SMB" | command (1) | ...          SMB 1
//   0 | length (3) | 0xfe "SMB" | 8 bytes | command (2, little-endian) | ...       SMB 2 and 3; 0xfd is encrypted

import type { Claim, Protocol, Speech, Talk } from '../reader.ts';
import type { LogInProtocol } from './grammar/log-in.ts';
import { LogInReader } from './grammar/log-in.ts';

const SMB = 0x53_4d_42;
const FIRST = 0xff;
const SECOND = 0xfe;
const SEALED = 0xfd;
const SESSION_SETUP_1 = 0x73;
const SESSION_SETUP_2 = 1;
/** NetBIOS: a message, a request for a session, its answers, a sign of life. */
const NETBIOS: ReadonlySet<number> = new Set([0, 0x81, 0x82, 0x83, 0x84, 0x85]);
const CALL = 0x81;

function hasMark(speech: Speech): boolean {
  return (
    ((speech.byte(5) << 16) | speech.uint16(6)) === SMB && [FIRST, SECOND, SEALED].includes(speech.byte(4))
  );
}

const LOG_IN: LogInProtocol = {
  name: 'SMB',
  header: 4,
  step: 'session setup',
  sizeOf: (speech) =>
    NETBIOS.has(speech.byte(0)) ? 4 + (speech.uint32(0) & (speech.byte(0) === 0 ? 0xff_ffff : 0x1_ffff)) : -1,
  carriesToken: (speech) => {
    if (speech.length < 18 || speech.byte(0) !== 0 || !hasMark(speech)) return false;
    return speech.byte(4) === FIRST
      ? speech.byte(8) === SESSION_SETUP_1
      : speech.byte(4) === SECOND && speech.byte(16) === SESSION_SETUP_2 && speech.byte(17) === 0;
  },
};

export const smb: Protocol = {
  name: LOG_IN.name,
  ports: [445, 139],
  claim: ({ client, server }: Talk): Claim => {
    const speech = client.length > 0 ? client : server;
    if (speech.length === 0) return 'perhaps';
    // Two names of 34 bytes, each with its length in front.
    if (speech.byte(0) === CALL) {
      if (speech.length < 5) return 'perhaps';
      return speech.uint32(0) === 0x8100_0044 && speech.byte(4) === 0x20 ? 'mine' : 'not mine';
    }
    if (speech.byte(0) !== 0) return 'not mine';
    if (speech.length < 8) return 'perhaps';
    return hasMark(speech) ? 'mine' : 'not mine';
  },
  reader: (talk) => new LogInReader(talk, LOG_IN),
};
