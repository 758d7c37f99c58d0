// Whose a conversation is: real ones are claimed by their own protocol and by no other, byte by byte as well as at once, and
// noise by none.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { protocols } from '../../../../src/core/eavesdrop/protocols/index.ts';
import type { Turn } from '../../../support/overheard.ts';
import { overhear } from '../../../support/overheard.ts';
import { tries } from '../../../support/properties.ts';
import type { Heard } from '../../../support/turns.ts';
import { conversationsOf } from '../../../support/turns.ts';

const ALL = protocols();
const EPHEMERAL = 49_151;

/** Captures with conversations of one protocol, and some that no reader above has. */
const CAPTURES: readonly (readonly [string, string])[] = [
  ['logins/mysql-mariadb.pcap', 'MySQL'],
  ['logins/mysql-clear.pcap', 'MySQL'],
  ['public/zeek/mysql/query-attr.pcap', 'MySQL'],
  ['public/arkime/mysql-tls.pcap', 'MySQL'],
  ['logins/postgres-login.pcap', 'PostgreSQL'],
  ['logins/postgres-prepared.pcap', 'PostgreSQL'],
  ['public/arkime/postgres-good.pcap', 'PostgreSQL'],
  ['logins/redis-login.pcap', 'Redis'],
  ['logins/memcached.pcap', 'memcached'],
  ['logins/mongodb.pcap', 'MongoDB'],
  ['logins/ldap.pcap', 'LDAP'],
  ['logins/smtp.pcap', 'SMTP'],
  ['logins/imap.pcap', 'IMAP'],
  ['logins/pop3.pcap', 'POP3'],
  ['logins/ftp.pcap', 'FTP'],
  ['logins/telnet.pcap', 'Telnet'],
  ['logins/irc.pcap', 'IRC'],
  ['logins/mqtt.pcap', 'MQTT'],
  ['logins/amqp.pcap', 'AMQP'],
  ['logins/snmp.pcap', 'SNMP'],
  ['public/arkime/http-basicauth.pcap', 'HTTP'],
  ['public/arkime/http-post-upload.pcap', 'HTTP'],
  ['public/arkime/dns-udp.pcap', 'DNS'],
];

/** Protocols that are sure of these turns, as a conversation with a server on this port. */
function claimants(heard: Heard, serverPort: number, pieces: readonly number[]): string[] {
  const { transport, turns } = heard;
  return ALL.filter((one) => (one.transports ?? ['TCP']).includes(transport))
    .filter((one) => overhear(one, turns, { serverPort, transport, pieces }).claim === 'mine')
    .map(({ name }) => name);
}

function talks(capture: string): Heard[] {
  // Data connections of FTP have no protocol.
  return conversationsOf(capture).filter(
    ({ serverPort }) => serverPort < 1024 || (serverPort < 28_000 && !capture.includes('ftp')),
  );
}

describe('real conversations', () => {
  test.each(CAPTURES)('%s is of %s, at once and byte by byte', (capture, name) => {
    const all = talks(capture);
    expect(all.length).toBeGreaterThan(0);
    for (const heard of all)
      for (const pieces of [[], [1], [7]]) expect(claimants(heard, heard.serverPort, pieces)).toEqual([name]);
  });

  test.each(CAPTURES)('%s is of nobody but %s on another port', (capture, name) => {
    for (const heard of talks(capture))
      for (const port of [EPHEMERAL, 80, 25, 3306])
        expect(claimants(heard, port, [5]).filter((one) => one !== name)).toEqual([]);
  });

  test.each(CAPTURES)(
    '%s from its second turn on is not taken for something else than %s',
    (capture, name) => {
      for (const { turns, transport, serverPort } of talks(capture)) {
        const later = { turns: turns.slice(1), transport, serverPort };
        expect(claimants(later, serverPort, []).filter((one) => one !== name && one !== 'TLS')).toEqual([]);
      }
    },
  );
});

describe('noise', () => {
  const LETTERS = fc.string({
    unit: fc.constantFrom(...'AUTHUSERPASS +-*:$%0123456789abc\r\n\0\x01'),
    maxLength: 80,
  });

  test.each(ALL.map((one) => [one.name, one] as const))('is not of %s', (_, protocol) => {
    const transport = protocol.transports?.includes('TCP') === false ? 'UDP' : 'TCP';
    const noise = fc.uint8Array({ minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(noise, noise, fc.boolean(), (client, server, both) => {
        const turns: Turn[] = both
          ? [
              ['C', client],
              ['S', server],
            ]
          : [['S', server]];
        return overhear(protocol, turns, { serverPort: EPHEMERAL, transport }).claim !== 'mine';
      }),
      tries(1000),
    );
  });

  test.each(ALL.map((one) => [one.name, one] as const))('of letters does not upset %s', (_, protocol) => {
    const transport = protocol.transports?.includes('TCP') === false ? 'UDP' : 'TCP';
    fc.assert(
      fc.property(fc.array(LETTERS, { maxLength: 6 }), (texts) => {
        overhear(
          protocol,
          texts.map((text, i): Turn => [i % 2 === 0 ? 'C' : 'S', text]),
          { transport },
        );
      }),
      tries(150),
    );
  });
});
