// SIP's and RTSP's readers: examples of RFC 3261 s.24, RFC 3428 and RFC 2326.

import { describe, expect, test } from 'vitest';
import { rtsp } from '../../../../src/core/eavesdrop/protocols/rtsp.ts';
import { sip } from '../../../../src/core/eavesdrop/protocols/sip.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';

const DIGEST =
  'Digest username="bob", realm="biloxi.com", nonce="dcd98b7102dd2f0e", uri="sip:bob@biloxi.com", response="6629fae49393a05397450978507c4ef1"';

const REGISTER: readonly Turn[] = [
  [
    'C',
    'REGISTER sip:registrar.biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP bobspc.biloxi.com:5060\r\nTo: Bob <sip:bob@biloxi.com>\r\n' +
      `From: Bob <sip:bob@biloxi.com>;tag=456248\r\nAuthorization: ${DIGEST}\r\nContent-Length: 0\r\n\r\n`,
  ],
  ['S', 'SIP/2.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
];

const MESSAGE: readonly Turn[] = [
  [
    'C',
    'MESSAGE sip:user2@domain.com SIP/2.0\r\nf: sip:user1@domain.com\r\nc: text/plain\r\nl: 18\r\n\r\nWatson, come here.',
  ],
  ['S', 'SIP/2.0 200 OK\r\nl: 0\r\n\r\n'],
  ['C', 'BYE sip:user2@domain.com SIP/2.0\r\n\r\n'],
];

const CAMERA: readonly Turn[] = [
  [
    'C',
    'DESCRIBE rtsp://10.0.0.9/axis-media RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic cm9vdDpjYW1lcmE=\r\n\r\n',
  ],
  [
    'S',
    'RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: 6\r\n\r\nv=0\r\n\x01$\0\0\x04abcdRTSP/1.0 454 Session Not Found\r\n\r\n',
  ],
  ['C', 'PLAY rtsp://10.0.0.9/axis-media RTSP/1.0\r\nCSeq: 3\r\n\r\n'],
];

describe('SIP', () => {
  test.each(['TCP', 'UDP'] as const)("over %s: people and answers to Digest's challenge", (transport) => {
    expect(told(overhear(sip, REGISTER, { transport }))).toEqual([
      'content request: REGISTER sip:registrar.biloxi.com SIP/2.0',
      'identity To: Bob <sip:bob@biloxi.com>',
      'identity From: Bob <sip:bob@biloxi.com>;tag=456248',
      expect.stringMatching(/^challenge Digest answer: bob at biloxi\.com \/ /),
      'content refusal: SIP/2.0 403 Forbidden',
    ]);
  });

  test('messages with their text', () => {
    const lines = told(overhear(sip, MESSAGE));
    expect(lines).toContain('content message: Watson, come here.');
    expect(lines.at(-1)).toBe('content request: BYE sip:user2@domain.com SIP/2.0');
  });

  keepsTheLaws(sip, { REGISTER, MESSAGE });
});

describe('RTSP', () => {
  test('addresses and log-ins, between packets of media', () => {
    expect(told(overhear(rtsp, CAMERA))).toEqual([
      'content request: DESCRIBE rtsp://10.0.0.9/axis-media RTSP/1.0',
      'secret Basic credentials: root / camera',
      'content refusal: RTSP/1.0 454 Session Not Found',
      'content request: PLAY rtsp://10.0.0.9/axis-media RTSP/1.0',
    ]);
  });

  keepsTheLaws(rtsp, { CAMERA });
});
