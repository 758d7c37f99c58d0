// SNMP's reader: real datagrams of versions 1, 2c and 3.

import { expect, test } from 'vitest';
import { snmp } from '../../../../src/core/eavesdrop/protocols/snmp.ts';
import { contentsOf, loginsIn } from '../../../support/logins.ts';
import { overhear } from '../../../support/overheard.ts';
import { keepsTheLaws } from '../../../support/protocol-laws.ts';
import { conversationsOf, samplesOf } from '../../../support/turns.ts';

const CAPTURE = 'logins/snmp.pcap';

test('communities once a conversation, what is asked and answered, the user of version 3', () => {
  expect(loginsIn(CAPTURE)).toEqual([
    'SNMP community:  / lab-community',
    'SNMP community:  / lab-community',
    '~ SNMP authentication code: watcher / engine=... answer=... message=...',
  ]);
  expect(contentsOf(CAPTURE, 'SNMP response')[0]).toBe(
    '1.3.6.1.2.1.1.6.0=rack 7, 1.3.6.1.2.1.1.4.0=ops@example.com',
  );
  expect(contentsOf(CAPTURE, 'SNMP user')).toEqual(['watcher']);
});

test('a datagram with a byte more or less is none', () => {
  const datagram = conversationsOf(CAPTURE)[0]?.turns[0]?.[1] as Uint8Array;
  for (const bytes of [datagram.slice(0, -1), new Uint8Array([...datagram, 0])])
    expect(overhear(snmp, [['C', bytes]], { transport: 'UDP' }).claim).toBe('not mine');
});

keepsTheLaws(snmp, samplesOf(CAPTURE), { transport: 'UDP' });
