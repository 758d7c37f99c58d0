import { describe, expect, test } from 'vitest';
import { dceRpc } from '../../../../src/core/eavesdrop/protocols/dce-rpc.ts';
import { smb } from '../../../../src/core/eavesdrop/protocols/smb.ts';
import { tds } from '../../../../src/core/eavesdrop/protocols/tds.ts';
import type { Turn } from '../../../support/overheard.ts';
import { bytesOf, latin, overhear } from '../../../support/overheard.ts';
import { turnsOf } from '../../../support/payloads.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';

const SYNTHETIC = 'cleartext/arkime/ntlm_synthetic.pcap';
const ANSWER = '4e'.repeat(24);

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** Bare tokens, and tokens inside SPNEGO. */
const SETUP: readonly Turn[] = turnsOf(SYNTHETIC, 50_001);
const SPNEGO: readonly Turn[] = turnsOf(SYNTHETIC, 50_002);
/** The same token in the second generation's message ([MS-SMB2] s.2.2.1.2 and s.2.2.5), behind a NetBIOS session's beginning. */
const SECOND: readonly Turn[] = [
  ['C', `\x81\0\0\x44\x20${'EK'.repeat(16)}\0\x20${'FA'.repeat(16)}\0`],
  ['S', '\x82\0\0\0'],
  ['C', second(0x12, 'a file\u0000NTLMSSP\0\x03\0\0\0')],
  ['C', second(1, tokenOf(SETUP[2] as Turn))],
];

function second(command: number, body: string): string {
  const header = `\xfeSMB\x40\0\0\0\0\0\0\0${String.fromCharCode(command)}\0${'\0'.repeat(50)}`;
  const length = header.length + body.length;
  return `\0\0${String.fromCharCode(length >> 8, length & 255)}${header}${body}`;
}

function tokenOf([, what]: Turn): string {
  const text = typeof what === 'number' ? '' : latin(bytesOf(what));
  return text.slice(text.indexOf('NTLMSSP\0'));
}

describe('SMB', () => {
  test('who sets a session up, with his answer to the challenge', () => {
    const { readings, wire } = overhear(smb, SPNEGO);
    expect(readings.map(({ kind, what, text }) => [kind, what, text])).toEqual([
      ['challenge', 'session setup NTLM', 'SPNDOM\\bob'],
    ]);
    expect(readings[0]?.secret).toContain('challenge=0123456789abcdef');
    expect(readings[0]?.secret).toContain(`nt=${ANSWER}`);
    expect(wire[0]?.startsWith('NTLMSSP\0\x03')).toBe(true);
  });

  test('in the second generation too; what a file holds is no log-in', () => {
    expect(overhear(smb, SECOND).readings.map(({ text }) => text)).toEqual(['ARKDOM1\\alice1']);
  });

  test('is not what begins otherwise', () => {
    for (const first of ['\x01\0\0\x20\xffSMBr', '\0\0\0\x20\xfeSMA', '\x81\0\0\x45\x20', 'GET / HTTP/1.1'])
      expect(overhear(smb, [['C', first]], { serverPort: 1 }).claim).toBe('not mine');
  });
});

/** A bind with the token behind it; its header in either order of bytes. */
const BIND = bind('\x10\0\0\0', 'v');
const BIG = bind('\0\0\0\0', 'n');

function bind(representation: string, order: 'v' | 'n'): Turn[] {
  const token = tokenOf(SETUP[2] as Turn);
  const uint16 = (value: number): string =>
    order === 'v'
      ? String.fromCharCode(value & 255, value >> 8)
      : String.fromCharCode(value >> 8, value & 255);
  const size = uint16(24 + token.length);
  return [
    ['C', `\x05\0\x0b\x03${representation}${size}${uint16(token.length)}\0\0\0\x01${'\0'.repeat(8)}${token}`],
  ];
}

describe('DCE/RPC', () => {
  test('who binds, in either order of bytes', () => {
    for (const turns of [BIND, BIG]) {
      const { readings, claim } = overhear(dceRpc, turns, { serverPort: 49_152 });
      expect(claim).toBe('mine');
      expect(readings.map(({ kind, what, text }) => [kind, what, text])).toEqual([
        ['challenge', 'bind NTLM', 'ARKDOM1\\alice1'],
      ]);
    }
  });

  test('a call is no binding', () => {
    const [[, first] = ['C', '']] = BIND;
    const call = `${latin(bytesOf(first as string))}`.replace('\x05\0\x0b', '\x05\0\0');
    expect(overhear(dceRpc, [['C', call]], { serverPort: 135 }).readings).toEqual([]);
  });
});

/** What FreeTDS 1.3.17 sends (TDSVER=7.1 tsql -U sa -P S3cr3t-pa55 -D shop) and the answer that asks for no encryption. */
const LOGIN: readonly Turn[] = [
  [
    'C',
    hex(
      '1201003400000000000015000601001b000102001c000c0300280004ff080001550000004d5353514c536572766572002c6d0000',
    ),
  ],
  ['S', hex('0401001a0000010000000b00060100110001ff0f0007d0000002')],
  [
    'C',
    hex(
      '100100d200000000ca00000001000071001000000683f2f82c6d000000000000e003000088ffffff36040000560007006400020068000b007e0004' +
        '00860009000000000098000b00ae000a00c200040002fc00000001ca000000ca0000006c006100620068006f00730074007300610090a596a593a5' +
        '82a596a5e2a577a5a2a5b3a5f6a5f6a55400530051004c003100320037002e0030002e0030002e0031005400440053002d004c0069006200720061' +
        '0072007900750073005f0065006e0067006c00690073006800730068006f007000',
    ),
  ],
];

describe('TDS', () => {
  test('the disguised password and its user', () => {
    const { readings, wire } = overhear(tds, LOGIN);
    expect(readings.map(({ kind, what, text, secret }) => [kind, what, text, secret])).toEqual([
      ['identity', 'login host', 'labhost', ''],
      ['identity', 'login user', 'sa', ''],
      ['secret', 'login password', 'sa', 'S3cr3t-pa55'],
    ]);
    expect(wire[1]).toBe('s\0a\0');
    expect(wire[2]).toHaveLength(22);
  });

  test('TLS inside it is not read, and nothing is claimed of it', () => {
    const [prelogin, answer] = LOGIN as [Turn, Turn];
    const hello = `\x12\x01\0\x18\0\0\0\0\x16\x03\x01\0\x0b${'\x07'.repeat(11)}`;
    const sealed = `\x17\x03\x03\0\x20${'\x91'.repeat(32)}`;
    const { readings, gaveUp } = overhear(tds, [prelogin, answer, ['C', hello], ['C', sealed]]);
    expect(readings).toEqual([]);
    expect(gaveUp).toBe(false);
  });
});

const NTLM: readonly Turn[] = [
  [
    'C',
    hex(
      '1201003400000000000015000601001b000102001c000c0300280004ff080001550000004d5353514c536572766572002c6d0000',
    ),
  ],
  ['C', sspi(tokenOf(SETUP[2] as Turn))],
];

function sspi(token: string): string {
  const length = 8 + token.length;
  return `\x11\x01${String.fromCharCode(length >> 8, length & 255)}\0\0\x01\0${token}`;
}

keepsTheLaws(smb, { setup: SETUP, spnego: SPNEGO, second: SECOND });
keepsTheLaws(dceRpc, { bind: BIND, big: BIG });
keepsTheLaws(tds, { login: LOGIN, ntlm: NTLM });
