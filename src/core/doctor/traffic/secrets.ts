// Credentials that cross the tunnel in the clear: VXLAN does not encrypt (RFC 7348 s.7), so whoever sees the underlay reads
// them. What a log-in looks like is in logins.ts. A finding names the user, never the secret.
//
// Looks at the first bytes of a TCP payload and goes on only where they open something that is known; nothing is put
// together from segments. State: 1024 users and places.

import type { Crossing } from '../../dissect/crossing.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as tcp from '../../wire/tcp.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { idle } from '../tunnel/rule.ts';
import { addressText, readable } from './keys.ts';
import type { Login } from './logins.ts';
import { loginsIn, mayOpen } from './logins.ts';

const KEPT_MAX = 1024;
/** Bytes of a payload that are read. */
const READ_MAX = 4096;

interface Leak {
  readonly login: Login;
  readonly place: string;
  readonly evidence: Evidence;
}

const PASSWORD: Advice = {
  code: 'CLEARTEXT-CREDENTIALS',
  explain:
    'The tunnel does not encrypt (RFC 7348 s.7), and neither does the protocol inside: every machine on the way between the VTEPs can read the secret and use it.',
  cure: 'Use TLS inside (HTTPS, STARTTLS, `sslmode=require`, ...) or encrypt the tunnel (IPsec; Docker: `--opt encrypted`), then change the secret.',
};
const COOKIE: Advice = {
  code: 'CLEARTEXT-COOKIE',
  explain:
    'Cookies are readable in the underlay. Where one stands for a log-in, whoever reads it is logged in too (RFC 6265 s.8.3).',
  cure: 'Use HTTPS inside, and mark such cookies Secure; or encrypt the tunnel.',
};

export class SecretsRule implements Rule {
  readonly #leaks: Map<string, Leak> = new Map();

  readonly observe: Rule['observe'] = idle;

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, network, transport, vni } = crossing;
    const { d } = sight.last;
    if (transport < 0 || d.kind(transport) !== L.tcp || !readable(d, transport, tcp.HEADER_LEN)) return;
    if ((d.flags(transport) & LAYER_FLAG.fragment) !== 0) return;
    const at = d.start(transport);
    const from = tcp.payloadAt(view, at);
    const end = d.end(transport);
    const to = tcp.dstPort(view, at);
    if (end - from < 4 || !mayOpen(view, from, end, to)) return;
    let text = '';
    const last = Math.min(end, from + READ_MAX);
    for (let i = from; i < last; i++) text += String.fromCharCode(view.getUint8(i));
    for (const login of loginsIn(text, to, d.limit(transport) - from)) {
      const client = addressText(view, d, network, login.byServer);
      const server = addressText(view, d, network, !login.byServer);
      const port = login.byServer ? tcp.srcPort(view, at) : to;
      const place = `VNI ${vni} ${client} > ${server.includes(':') ? `[${server}]` : server}:${port}`;
      this.#keep(login, place, meta.number);
    }
  }

  findings(): Finding[] {
    const [passwords, cookies]: [Finding[], Finding[]] = [[], []];
    for (const { login, place, evidence } of this.#leaks.values()) {
      const who = login.user === '' ? '' : ` of ${login.user}`;
      const title = `${place}: ${login.secret}${who} readable, ${login.where}`;
      if (login.cookie) cookies.push(finding(COOKIE, 'note', title, evidence));
      else passwords.push(finding(PASSWORD, 'warning', title, evidence));
    }
    return [...few(passwords), ...few(cookies)];
  }

  #keep(login: Login, place: string, number: number): void {
    const key = `${place} ${login.where} ${login.user}`;
    let leak = this.#leaks.get(key);
    if (leak === undefined) {
      if (this.#leaks.size >= KEPT_MAX) return;
      leak = { login, place, evidence: new Evidence() };
      this.#leaks.set(key, leak);
    }
    leak.evidence.add(number);
  }
}
