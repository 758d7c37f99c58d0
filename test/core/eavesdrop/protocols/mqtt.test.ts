// MQTT's reader: the example of CONNECT in MQTT 3.1.1, properties of MQTT 5, real conversations.

import { expect, test } from 'vitest';
import { mqtt } from '../../../../src/core/eavesdrop/protocols/mqtt.ts';
import { contentsOf, loginsIn, protocolsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/mqtt.pcap';

/** Figure 3.6 of MQTT 3.1.1 with a client's name, and a will. */
const CONNECT: readonly Turn[] = [
  ['C', '\x10\x2a\0\x04MQTT\x04\xce\0\x0a\0\x03abc\0\x04left\0\x03bye\0\x04user\0\x08pass\xff\xfe\x01\0'],
  ['S', '\x20\x02\0\x00'],
  ['C', '\x30\x0a\0\x03a/bhello'],
  ['C', '\x32\x09\0\x01t\0\x09\x80\x81\x82\xe0\x00'],
];

/** MQTT 5: properties before the client's name, of the will, and of what is published. */
const FIVE: readonly Turn[] = [
  [
    'C',
    '\x10\x29\0\x04MQTT\x05\xc2\0\x0a\x0f\x11\0\0\0\x0a\x26\0\x01k\0\x01v\x21\0\x14\0\x02id\0\x01u\0\x06secret',
  ],
  ['S', '\x20\x03\0\x86\0'],
];

test('CONNECT: client, will, user, password; what is published', () => {
  const heard = overhear(mqtt, CONNECT);
  expect(told(heard)).toEqual([
    'identity client: abc',
    'content will: left: bye',
    'secret CONNECT: user / pass\\xff\\xfe\\x01\\x00',
    'content PUBLISH: a/b: hello',
    'content PUBLISH: t: \\x808182e0',
  ]);
  expect(heard.wire[2]).toBe('pass\xff\xfe\x01\0');
});

test('MQTT 5, and a refusal', () => {
  expect(told(overhear(mqtt, FIVE))).toEqual([
    'identity client: id',
    'secret CONNECT: u / secret',
    'content refusal: code 134',
  ]);
});

test('between Mosquitto and its tools', () => {
  expect(protocolsIn(CAPTURE)).toEqual(['MQTT', 'MQTT', 'MQTT', 'MQTT']);
  expect(loginsIn(CAPTURE)).toEqual([
    ...[1, 2, 3].map(() => 'MQTT CONNECT: sensor / wet-and-warm'),
    'MQTT CONNECT: sensor / wrong',
  ]);
  expect(contentsOf(CAPTURE, 'MQTT SUBSCRIBE')).toEqual(['house/#']);
  expect(contentsOf(CAPTURE, 'MQTT PUBLISH')).toContain('house/cellar: {"celsius":11.5}');
});

keepsTheLaws(mqtt, { FIVE, ...samplesOf(CAPTURE) });
