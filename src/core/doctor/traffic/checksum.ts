// Checksums that are wrong, outside and inside a tunnel, and whether that is a fault or the capture's point of view.
//
// Whoever captures on a machine that sends sees packets before the network card has filled their checksums in. So wrong
// ones are judged by who sent them: all of one sender wrong and everybody else's right is offload; a few wrong ones
// between right ones of the same sender are damage. A field that holds the pseudo header's sum, or a packet that the file
// says went out, is offload by itself.
//
// State: 1024 senders (VTEP and inner MAC), six tallies each.

import { CHECKSUM, checksumVerdict, isOffloaded } from '../../dissect/checksums.ts';
import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { NO_FAULT } from '../../wire/fault.ts';
import * as vxlan from '../../wire/vxlan.ts';
import { Evidence } from '../evidence.ts';
import type { Advice, Shown } from '../finding.ts';
import { few, finding, many, together } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import { idle } from '../tunnel/rule.ts';
import { TUNNEL_WORDS, tunnelKey, vtepOf } from './keys.ts';
import { directionOf } from './tap.ts';

const SENDERS_MAX = 1024;
/** Wrong checksums of one sender, and nothing else of it, that make a pattern. */
const PATTERN = 3;
/** Share of wrong ones from which a few right ones do not speak against offload: answers that the stack itself makes. */
const MOSTLY = 0.8;
/** Linux: the sender leaves the inner checksum to the receiver (VXLAN_F_REMCSUM_TX, bit 21 of the first word). */
const REMOTE_CHECKSUM = 0x0020_0000;

const PLACES = [
  'outer IPv4 header',
  'outer UDP',
  'inner IPv4 header',
  'inner TCP',
  'inner UDP',
  'inner ICMP',
] as const;
const OUTER = 2;

class Tally {
  good = 0;
  /** Wrong for a reason that shows in the packet or the file. */
  readonly open: Evidence = new Evidence();
  readonly bad: Evidence = new Evidence();
}

/** What one sender's packets add up to at one place. */
interface Sum {
  readonly sender: string;
  readonly good: number;
  readonly open: Shown;
  readonly bad: Shown;
}

const OFFLOADED: Advice = {
  code: 'CHECKSUM-OFFLOAD',
  explain:
    'The capture was taken on the machine that sends, before its network card filled the checksums in: nothing is wrong on the wire.',
  cure: 'Nothing has to be done. To capture what is on the wire, capture elsewhere or switch the offload off for the time (`ethtool -K DEVICE tx off`).',
};
const WRONG: Advice = {
  code: 'CHECKSUM-WRONG',
  explain:
    'Other packets of the same sender are right, so these were damaged after their checksum was made, or changed by something that did not mend it (an address translation, a faulty card or its offload). The receiver drops them, and TCP sends them again (RFC 1122 s.4.1.3.4, s.4.2.2.7).',
  cure: 'Compare a capture behind the next hop; switch the offloads off one by one (`ethtool -K DEVICE tx off rx off`), first on tunnel devices and virtual machines, and look at what rewrites packets on the way.',
};
const UNKNOWN: Advice = {
  code: 'CHECKSUM-UNCLEAR',
  explain:
    'Too little of this sender is in the capture to tell a checksum that its network card fills in later from one that is really wrong, which the receiver would drop.',
  cure: 'Capture more of it, or on the receiving machine: what is wrong there is really wrong.',
};

export class ChecksumRule implements Rule {
  readonly #senders: Table<Tally[]> = new Table(TUNNEL_WORDS, SENDERS_MAX, () =>
    PLACES.map(() => new Tally()),
  );

  readonly observe: Rule['observe'] = idle;

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, ip, udp, network, transport, link } = crossing;
    const { d } = sight.last;
    if (ip < 0) return;
    const { words } = this.#senders;
    tunnelKey(words, view, d, ip, 0);
    words[5] = 0;
    words[6] = 0;
    const mac = link < 0 ? -1 : d.start(link);
    if (mac >= 0 && d.end(link) - mac >= 12) {
      words[7] = view.getUint16(mac + 6);
      words[8] = view.getInt32(mac + 8);
    } else {
      words[7] = 0;
      words[8] = 0;
    }
    const tallies = this.#senders.value(this.#senders.seek());
    // Of a tunnel in a tunnel the headers between were the inner ones of the first.
    if (crossing.vxlan === d.vxlan) {
      if (!sight.isJoined) this.#look(tallies[0] as Tally, view, d, ip, sight, meta);
      if (udp >= 0) this.#look(tallies[1] as Tally, view, d, udp, sight, meta);
    }
    if (network < 0) return;
    if (!sight.isJoined) this.#look(tallies[2] as Tally, view, d, network, sight, meta);
    if (transport < 0) return;
    if ((vxlan.firstWord(view, d.start(crossing.vxlan)) & REMOTE_CHECKSUM) !== 0) return;
    const kind = d.kind(transport);
    const place = kind === L.tcp ? 3 : kind === L.udp ? 4 : 5;
    this.#look(tallies[place] as Tally, view, d, transport, sight, meta);
  }

  #look(tally: Tally, view: DataView, d: Dissection, row: number, sight: Sight, meta: PacketMeta): void {
    if (d.fault(row) !== NO_FAULT) return;
    const verdict = checksumVerdict(view, d, row);
    if (verdict === CHECKSUM.good) tally.good++;
    if (verdict !== CHECKSUM.bad) return;
    if (directionOf(sight, meta) > 0 || leftOpen(view, d, row)) tally.open.add(meta.number);
    else tally.bad.add(meta.number);
  }

  findings(): Finding[] {
    return PLACES.flatMap((_, place) => few(this.#judge(place)));
  }

  #judge(place: number): Finding[] {
    const sums = this.#sums(place);
    const healthy = sums.filter((one) => one.good > 0 && one.bad.count + one.open.count === 0);
    const open = new Map<string, Sum[]>();
    const found: Finding[] = [];
    for (const one of sums) {
      const bad = one.bad.count;
      const all = bad + one.open.count + one.good;
      const pattern = bad >= PATTERN && bad + one.open.count >= MOSTLY * all && healthy.length > 0;
      if (one.open.count > 0 || pattern) open.set(one.sender, [...(open.get(one.sender) ?? []), one]);
      if (bad === 0 || pattern) continue;
      const title = `VTEP ${one.sender}: ${bad} of ${many(all, `${PLACES[place]} checksum`)} wrong`;
      if (one.good === 0) found.push(finding(UNKNOWN, 'warning', title, one.bad));
      else found.push(finding(WRONG, 'error', title, one.bad));
    }
    for (const [sender, group] of open) {
      const shown = together(group.flatMap((one) => [one.open, one.bad]));
      const all = shown.count + group.reduce((sum, one) => sum + one.good, 0);
      const title = `VTEP ${sender}: ${shown.count} of ${many(all, `${PLACES[place]} checksum`)} left to the network card`;
      found.push(finding(OFFLOADED, 'note', title, shown));
    }
    return found;
  }

  /** By sender; outer headers are the VTEP's own, whichever MAC is inside. */
  #sums(place: number): Sum[] {
    const groups = new Map<string, Tally[]>();
    for (let i = 0; i < this.#senders.size; i++) {
      const tally = this.#senders.value(i)[place] as Tally;
      if (tally.good + tally.bad.count + tally.open.count === 0) continue;
      const sender = vtepOf(this.#senders, i, false);
      const name = place < OUTER ? sender : `${sender} ${i}`;
      groups.set(name, [...(groups.get(name) ?? []), tally]);
    }
    return [...groups].map(([name, tallies]) => ({
      sender: name.split(' ')[0] as string,
      good: tallies.reduce((sum, one) => sum + one.good, 0),
      open: together(tallies.map((one) => one.open)),
      bad: together(tallies.map((one) => one.bad)),
    }));
  }
}

/** True when the field shows that a network card was to fill it in. */
function leftOpen(view: DataView, d: Dissection, row: number): boolean {
  if (d.kind(row) === L.ipv4) return view.getUint16(d.start(row) + 10) === 0;
  return (d.kind(row) === L.tcp || d.kind(row) === L.udp) && isOffloaded(view, d, row);
}
