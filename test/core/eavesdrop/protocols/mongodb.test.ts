// MongoDB's reader: a real client's conversations, documents as they are written, compressed messages.

import { expect, test } from 'vitest';
import { mongodb } from '../../../../src/core/eavesdrop/protocols/mongodb.ts';
import { contentsOf, loginsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/mongodb.pcap';

function little(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('latin1');
}

function message(operation: number, body: string): string {
  return little(16 + body.length) + little(1) + little(0) + little(operation) + body;
}

function document(...elements: string[]): string {
  const inside = elements.join('');
  return `${little(inside.length + 5)}${inside}\0`;
}

/** The BSON of bsonspec.org's examples, and one of each type that has a text. */
const TYPES: readonly Turn[] = [
  [
    'C',
    message(
      2013,
      `\0\0\0\0\0${document(
        '\x02greet\0\x06\0\0\0world\0',
        '\x04BSON\0\x26\0\0\0\x020\0\x08\0\0\0awesome\0\x011\x00\x33\x33\x33\x33\x33\x33\x14\x40\x102\x00\xc2\x07\0\0\0',
        '\x08yes\0\x01',
        '\x0anil\0',
        '\x12big\0\xff\xff\xff\xff\xff\xff\xff\xff',
        '\x05raw\0\x02\0\0\0\0\xab\xcd',
      )}`,
    ),
  ],
];

test('documents, as a person reads them', () => {
  expect(told(overhear(mongodb, TYPES))).toEqual([
    'content command: {greet: "world", BSON: ["awesome", 5.05, 1986], yes: true, nil: null, big: -1, raw: abcd}',
  ]);
});

test('pymongo: who logs in, what is asked, stored and found', () => {
  expect(loginsIn(CAPTURE)).toEqual([
    '~ MongoDB SASL SCRAM-SHA-256: mona / first=... challenge=... answer=...',
    'MongoDB pwd: newt / newts-pass',
    '~ MongoDB SASL SCRAM-SHA-256: mona / first=... challenge=... answer=...',
    'MongoDB SASL PLAIN: mona / ldap pass',
  ]);
  expect(contentsOf(CAPTURE, 'MongoDB documents')).toEqual([
    '{_id: 7, name: "Zoe", mail: "zoe@example.com"}',
  ]);
  expect(contentsOf(CAPTURE, 'MongoDB reply')[0]).toContain('{_id: 1, name: "Ann", card: "4111"}');
  expect(contentsOf(CAPTURE, 'MongoDB command').join()).not.toContain('newts-pass');
});

test('compressed messages are named once', () => {
  const packed: Turn = ['C', message(2012, `${little(2013)}${little(99)}\x02${'x'.repeat(40)}`)];
  expect(told(overhear(mongodb, [packed, packed]))).toEqual(['content compressed: zlib']);
});

keepsTheLaws(mongodb, samplesOf(CAPTURE, 1, 3, 5));
