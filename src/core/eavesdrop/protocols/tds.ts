// TDS, the protocol of Microsoft's SQL server and of Sybase ([MS-TDS] s.2.2): the user and the password of a log-in, which is
// disguised and not encrypted (s.2.2.6.4), and log-ins by NTLM. Mostly they stand inside TLS; statements are not read.
//
//   type | status | length (2) | process (2) | packet | 0 | ...      LOGIN7: fields of 36 bytes, then where each text stands

import type { Claim, Protocol, Speech, Talk } from '../reader.ts';
import { Cursor } from './grammar/cursor.ts';
import type { LogInProtocol } from './grammar/log-in.ts';
import { LogInReader } from './grammar/log-in.ts';
import type { Notes } from './grammar/notes.ts';

const HEADER = 8;
const RESULT = 4;
const LOGIN7 = 0x10;
const SSPI = 0x11;
const PRELOGIN = 0x12;
const TYPES: ReadonlySet<number> = new Set([1, 2, 3, RESULT, 6, 7, 8, 14, LOGIN7, SSPI, PRELOGIN, 0x17]);
/** Where in LOGIN7 the places of its texts stand: offset (2) and length (2) each, in characters. */
const TEXTS = 36;
const LOGIN7_LEN = 94;
/** Characters of a text that are read. */
const TEXT_MAX = 128;
const DISGUISE = 0xa5;

function sizeOf(speech: Speech): number {
  return TYPES.has(speech.byte(0)) && speech.byte(1) <= 0x1f ? speech.uint16(2) : -1;
}

interface Field {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The next text of LOGIN7, two bytes a character with the low one first. */
function field(speech: Speech, places: Cursor, size: number, mask: (byte: number) => number): Field | null {
  const from = HEADER + places.little(2);
  const to = from + 2 * Math.min(places.little(2), TEXT_MAX);
  if (!places.ok || to > size || to === from) return null;
  let text = '';
  for (let at = from; at < to; at += 2)
    text += String.fromCharCode(mask(speech.byte(at)) | (mask(speech.byte(at + 1)) << 8));
  return { from, to, text };
}

function plain(byte: number): number {
  return byte;
}

/** Each byte had its halves exchanged, then its bits turned by a constant. */
function disguised(byte: number): number {
  const turned = byte ^ DISGUISE;
  return ((turned << 4) | (turned >>> 4)) & 0xff;
}

function tellLogIn(notes: Notes, size: number): void {
  const speech = notes.speech(0);
  if (size < HEADER + LOGIN7_LEN || speech.byte(0) !== LOGIN7) return;
  const places = new Cursor(speech, HEADER + TEXTS, size);
  const host = field(speech, places, size, plain);
  const user = field(speech, places, size, plain);
  const password = field(speech, places, size, disguised);
  if (host !== null) notes.identity(0, host.from, host.to, 'login host', host.text);
  if (user !== null) notes.identity(0, user.from, user.to, 'login user', user.text);
  if (password !== null)
    notes.secret(0, password.from, password.to, 'login password', user?.text ?? '', password.text);
}

const LOG_IN: LogInProtocol = {
  name: 'TDS',
  header: HEADER,
  step: 'login',
  sizeOf,
  carriesToken: (speech) => [RESULT, LOGIN7, SSPI].includes(speech.byte(0)),
  tell: tellLogIn,
};

export const tds: Protocol = {
  name: LOG_IN.name,
  ports: [1433, 1434],
  claim: ({ client, server }: Talk): Claim => {
    if (client.length === 0) return server.length === 0 ? 'perhaps' : 'not mine';
    const type = client.byte(0);
    if (type !== PRELOGIN && type !== LOGIN7) return 'not mine';
    if (client.length < 12) return 'perhaps';
    const length = client.uint16(2);
    if (client.byte(1) > 1 || client.uint16(4) !== 0 || client.byte(7) !== 0) return 'not mine';
    // Options of a PRELOGIN begin with the version's, 5 bytes each, behind which the first one's text stands; LOGIN7 tells its length again.
    const isOurs =
      type === PRELOGIN
        ? client.byte(8) === 0 && client.uint16(9) % 5 === 1 && length < 4096
        : (client.byte(8) | (client.byte(9) << 8)) <= length && client.uint16(10) === 0;
    return isOurs ? 'mine' : 'not mine';
  },
  reader: (talk) => new LogInReader(talk, LOG_IN),
};
