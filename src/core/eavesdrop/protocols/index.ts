// Every protocol that an eavesdropper understands, in the order in which they are asked: those that are surest of a
// beginning first.

import type { Inflate } from '../inflate.ts';
import type { Protocol } from '../reader.ts';
import { amqp } from './amqp.ts';
import { dceRpc } from './dce-rpc.ts';
import { dns } from './dns.ts';
import { ftp } from './ftp.ts';
import { http, http2 } from './http.ts';
import { imap } from './imap.ts';
import { irc } from './irc.ts';
import { ldap } from './ldap.ts';
import { memcached } from './memcached.ts';
import { mongodb } from './mongodb.ts';
import { mqtt } from './mqtt.ts';
import { mysql } from './mysql.ts';
import { nntp } from './nntp.ts';
import { pop3 } from './pop3.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { rtsp } from './rtsp.ts';
import { sip } from './sip.ts';
import { smb } from './smb.ts';
import { smtp } from './smtp.ts';
import { snmp } from './snmp.ts';
import { socks } from './socks.ts';
import { tds } from './tds.ts';
import { telnet } from './telnet.ts';
import { tls } from './tls.ts';

/** @param inflate unpacks bodies; without it packed ones are named and not shown */
export function protocols(inflate: Inflate | null = null): readonly Protocol[] {
  return [
    ...[tls, http2, http(inflate)],
    ...[mysql, postgres, redis, smtp, pop3, imap, ftp, ldap, socks, telnet],
    ...[memcached, mongodb, mqtt, amqp, irc, nntp, sip, rtsp, snmp],
    ...[smb, dceRpc, tds],
    dns,
  ];
}
