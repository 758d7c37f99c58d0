// AMQP's reader: a real conversation with RabbitMQ, AMQPLAIN, and the log-in of AMQP 1.0.

import { expect, test } from 'vitest';
import { amqp } from '../../../../src/core/eavesdrop/protocols/amqp.ts';
import { contentsOf, loginsIn } from '../../../support/logins.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear, told } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/amqp.pcap';

function long(text: string): string {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(text.length);
  return size.toString('latin1') + text;
}

function frame(payload: string): string {
  return `\x01\0\0${long(payload)}\xce`;
}

const TABLE = `\x05LOGINS${long('anna')}\x08PASSWORDS${long('pw')}`;
const AMQPLAIN: readonly Turn[] = [
  ['C', 'AMQP\0\0\x09\x01'],
  ['C', frame(`\0\x0a\0\x0b${long('')}\x08AMQPLAIN${long(TABLE)}\x05en_US`)],
];

/** sasl-init: mechanism as a symbol, answer as binary. */
const ONE: readonly Turn[] = [
  ['C', 'AMQP\x03\x01\0\0'],
  ['S', 'AMQP\x03\x01\0\0'],
  ['C', '\0\0\0\x21\x02\x01\0\0\0\x53\x41\xc0\x14\x02\xa3\x05PLAIN\xa0\x08\0bob\0pwd\0\0\0'.slice(0, 33)],
  ['C', 'AMQP\0\x01\0\0'],
];

test('between RabbitMQ and pika', () => {
  expect(loginsIn(CAPTURE)).toEqual(['AMQP SASL PLAIN: guest / wrong', 'AMQP SASL PLAIN: guest / guest']);
  expect(contentsOf(CAPTURE, 'AMQP message')).toEqual([
    'jobs: {"order":17,"card":"4111"}',
    'jobs: {"order":17,"card":"4111"}',
  ]);
  expect(contentsOf(CAPTURE, 'AMQP error')[0]).toMatch(/^403 ACCESS_REFUSED/);
});

test('AMQPLAIN is a table', () => {
  const heard = overhear(amqp, AMQPLAIN);
  expect(told(heard)).toEqual(['secret SASL AMQPLAIN: anna / pw']);
  expect(heard.wire).toEqual(['pw']);
});

test('AMQP 1.0 logs in by SASL frames', () => {
  const heard = overhear(amqp, ONE);
  expect(told(heard)).toEqual(['secret SASL PLAIN: bob / pwd']);
  expect(heard.gaveUp).toBe(false);
});

keepsTheLaws(amqp, { AMQPLAIN, ONE, ...samplesOf(CAPTURE) });
