// The same inner frame again and again: a loop, or a capture that has its packets twice.
//
// A frame is known again by what no hop changes: VNI, tunnel, addresses, IPv4 identification, length and the transport's
// first bytes with its checksum; not by its TTL and its MACs. Falling TTLs are a loop between routers, steady ones a loop
// between bridges. A frame that comes again within the same outer packet was captured twice, by a mirror of both sides of
// a port for example. Copies for several VTEPs (head-end replication) go through different tunnels, and each interface of
// a capture is looked at by itself, so neither counts.
//
// Packets without an identification (IPv6, ARP, IPv4 with 0 or with a generator's 1) may be sent alike on purpose: of
// these only falling TTLs and floods of one broadcast frame count.
//
// State: the last frame of each of 32768 slots; 512 pairs of hosts.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import { LINK_TYPE } from '../../dissect/walk.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { formatMac, mac } from '../../wire/address.ts';
import * as ipv4 from '../../wire/ipv4.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import { pathText, readable, TUNNEL_WORDS, tagOf, tunnelKey, tunnelName } from './keys.ts';
import { Stopwatch, TICK, tapOf } from './tap.ts';

const SLOTS = 0x8000;
const PAIRS_MAX = 512;
/** A frame that was not seen for longer has left the network: 0.2 s in ticks of the Stopwatch. */
const GAP = 200_000 / TICK;
/** Sightings of a frame, each in an outer packet of its own, that are a loop; fewer may be copies. */
const LOOP_MIN = 5;
/** The same of a broadcast frame that cannot be told from one that was sent alike. */
const FLOOD_MIN = 16;
/** The same of one outer packet, which a capture may have from several mirrors. */
const OUTER_MIN = 16;
/** Steps that the TTL has to fall: one is a router with a tap on both sides. */
const FALLS_MIN = 2;
/** Bytes of the transport header that tell packets apart: TCP's with its checksum. */
const SAMPLE = 20;

// A slot is a record in one array, so that a frame touches one place in memory.
const WORDS = 8;
const FIRST = 0;
const SECOND = 1;
const TIME = 2;
const COUNT = 3;
/** STATE, and 0x100 while every sighting had the same outer packet. */
const HOW = 4;
const OUTER_ID = 5;
/** TTL, the first one << 8, steps down << 16: ROSE once it went up. */
const TTL = 6;
/** The same of the outer packet. */
const OUTER_TTL = 7;
const SAME = 0x100;
const ROSE = 255;

const STATE = { none: 0, twice: 1, bridged: 2, routed: 3, underlay: 4 } as const;
/** Stands in a pair's tag for MAC addresses in place of IP addresses. */
const MACS = 0x100_0000;

class Pair {
  /** `via 192.0.2.11 > 192.0.2.12`, of the first frame. */
  via = '';
  readonly frames: Int32Array = new Int32Array(5);
  readonly packets: readonly Evidence[] = Array.from({ length: 5 }, () => new Evidence());
  most = 0;
  ttlFrom = 0;
  ttlTo = 255;
}

const ROUTED: Advice = {
  code: 'ROUTING-LOOP',
  explain:
    'Each time round a router takes one from the TTL and sends the packet through the same tunnel again, until the TTL is used up: it never arrives, and takes the capacity of many packets (RFC 1812 s.5.3.1).',
  cure: 'Look for two routers whose routes for the destination point at one another, often a default route against a summary of subnets that do not all exist.',
};
const BRIDGED: Advice = {
  code: 'BRIDGING-LOOP',
  explain:
    'VTEPs send on what came out of a tunnel, or a second path joins the same network behind two of them. Ethernet has no TTL, so the frames circle until a link is full (RFC 7348 s.6 leaves it to the bridges). A traffic generator that sends identical packets looks the same.',
  cure: 'Let VTEPs form a full mesh with split horizon (on a Linux bridge `bridge link set dev VXLAN isolated on`, or no flooding between VXLAN ports), connect each segment behind one VTEP only, or run STP.',
};
const UNDERLAY: Advice = {
  code: 'UNDERLAY-LOOP',
  explain: 'The very same outer packet comes by again and again: it circles in the underlay.',
  cure: 'Look at the routes and, where its TTL does not fall, at the spanning tree of the underlay between the VTEPs.',
};
const TWICE: Advice = {
  code: 'DUPLICATE-FRAMES',
  explain:
    'Frames are in the capture more than once, close together. Where the outer packet is the same one the capture has it twice (a mirror of both directions or of several ports); where it is not, somebody copied the frame before its VTEP.',
  cure: 'If the network does not copy on purpose, mirror one direction of one port only. `editcap -d` takes captured copies out.',
};

export class LoopRule implements Rule {
  readonly #watch: Stopwatch = new Stopwatch();
  readonly #pairs: Table<Pair> = new Table(TUNNEL_WORDS, PAIRS_MAX, () => new Pair());
  readonly #slots: Int32Array = new Int32Array(SLOTS * WORDS);
  /** The fingerprint of the frame at hand. */
  #a = 0;
  #b = 0;

  observe(_sight: Sight, meta: PacketMeta): void {
    this.#watch.read(meta);
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, ip, link, network } = crossing;
    const { d } = sight.last;
    if (ip < 0 || !meta.timed) return;
    // The frame is looked at when its last fragment came.
    if ((d.flags(crossing.vxlan) & LAYER_FLAG.fragment) !== 0) return;
    const known = this.#fingerprint(crossing, d, tapOf(sight, meta));
    if (known === IDENTITY.none) return;
    const group = link >= 0 && d.end(link) > d.start(link) && (view.getUint8(d.start(link)) & 1) !== 0;
    const slots = this.#slots;
    const o = (this.#a & (SLOTS - 1)) * WORDS;
    const six = d.kind(ip) === L.ipv6;
    const outerId = six ? 0 : ipv4.id(view, d.start(ip));
    const outerTtl = view.getUint8(d.start(ip) + (six ? 7 : 8));
    const ttl = network < 0 || d.kind(network) === L.arp ? 0 : ttlOf(view, d, network);
    const now = this.#watch.ticks;
    const gap = (now - (slots[o + TIME] as number)) | 0;
    const fresh =
      slots[o + FIRST] !== this.#a ||
      slots[o + SECOND] !== this.#b ||
      slots[o + COUNT] === 0 ||
      gap < 0 ||
      gap > GAP;
    slots[o + TIME] = now;
    if (fresh) {
      slots[o + FIRST] = this.#a;
      slots[o + SECOND] = this.#b;
      slots[o + COUNT] = 1;
      slots[o + HOW] = outerId === 0 ? STATE.none : SAME;
      slots[o + OUTER_ID] = outerId;
      slots[o + TTL] = (ttl << 8) | ttl;
      slots[o + OUTER_TTL] = (outerTtl << 8) | outerTtl;
      return;
    }
    slots[o + COUNT] = (slots[o + COUNT] as number) + 1;
    if (slots[o + OUTER_ID] !== outerId) slots[o + HOW] = (slots[o + HOW] as number) & ~SAME;
    slots[o + TTL] = step(slots[o + TTL] as number, ttl);
    slots[o + OUTER_TTL] = step(slots[o + OUTER_TTL] as number, outerTtl);
    const state = this.#stateOf(o, known, group, meta.linkType);
    if (state !== STATE.none) this.#tell(o, state, crossing, d, meta.number);
  }

  findings(): Finding[] {
    const found: Finding[][] = [[], [], [], []];
    for (let i = 0; i < this.#pairs.size; i++) {
      const pair = this.#pairs.value(i);
      const name = `VNI ${tagOf(this.#pairs, i) & 0xffffff} ${this.#pairName(i)}`;
      const frames = (state: number): string => many(pair.frames[state] as number, 'frame');
      const again = (state: number): string => `${frames(state)} up to ${pair.most} times ${pair.via}`;
      const shown = (state: number): Evidence => pair.packets[state] as Evidence;
      if ((pair.frames[STATE.routed] as number) > 0) {
        const title = `${name}: ${again(STATE.routed)}, TTL falling from ${pair.ttlFrom} to ${pair.ttlTo}`;
        found[0]?.push(finding(ROUTED, 'error', title, shown(STATE.routed)));
      }
      if ((pair.frames[STATE.bridged] as number) > 0) {
        const title = `${name}: ${again(STATE.bridged)}, TTL steady`;
        found[1]?.push(finding(BRIDGED, 'error', title, shown(STATE.bridged)));
      }
      if ((pair.frames[STATE.underlay] as number) > 0) {
        const title = `${name}: ${again(STATE.underlay)}, each time in the same outer packet`;
        found[2]?.push(finding(UNDERLAY, 'error', title, shown(STATE.underlay)));
      }
      if ((pair.frames[STATE.twice] as number) > 0) {
        const title = `${name}: ${frames(STATE.twice)} more than once ${pair.via}`;
        found[3]?.push(finding(TWICE, 'note', title, shown(STATE.twice)));
      }
    }
    return found.flatMap(few);
  }

  #stateOf(o: number, known: number, group: boolean, linkType: number): number {
    const slots = this.#slots;
    const count = slots[o + COUNT] as number;
    if (isFalling(slots[o + TTL] as number)) return STATE.routed;
    const sameOuter = ((slots[o + HOW] as number) & SAME) !== 0;
    if (sameOuter && (count >= OUTER_MIN || isFalling(slots[o + OUTER_TTL] as number))) return STATE.underlay;
    if (known === IDENTITY.weak)
      return group && count >= FLOOD_MIN && !sameOuter ? STATE.bridged : STATE.none;
    if (count >= LOOP_MIN && !sameOuter) return STATE.bridged;
    // A cooked capture has a packet once for each device that it passes (version 1 does not say which).
    return sameOuter && linkType === LINK_TYPE.sll ? STATE.none : STATE.twice;
  }

  #tell(o: number, state: number, crossing: Crossing, d: Dissection, number: number): void {
    const { view, network, ip, link } = crossing;
    const { words } = this.#pairs;
    if (network >= 0 && d.kind(network) !== L.arp) tunnelKey(words, view, d, network, crossing.vni);
    else {
      const at = d.start(link);
      words.fill(0);
      words[0] = crossing.vni | MACS;
      words[1] = view.getUint16(at + 6);
      words[2] = view.getInt32(at + 8);
      words[5] = view.getUint16(at);
      words[6] = view.getInt32(at + 2);
    }
    const pair = this.#pairs.value(this.#pairs.seek());
    if (pair.via === '') pair.via = `via ${pathText(view, d, ip)}`;
    const slots = this.#slots;
    const before = (slots[o + HOW] as number) & 0xff;
    if (before !== state) {
      slots[o + HOW] = ((slots[o + HOW] as number) & SAME) | state;
      if (before !== STATE.none) pair.frames[before] = (pair.frames[before] as number) - 1;
      pair.frames[state] = (pair.frames[state] as number) + 1;
    }
    (pair.packets[state] as Evidence).add(number);
    if (state === STATE.twice) return;
    pair.most = Math.max(pair.most, slots[o + COUNT] as number);
    if (state === STATE.routed) {
      const ttl = slots[o + TTL] as number;
      pair.ttlFrom = Math.max(pair.ttlFrom, (ttl >> 8) & 0xff);
      pair.ttlTo = Math.min(pair.ttlTo, ttl & 0xff);
    }
  }

  #pairName(entry: number): string {
    if ((tagOf(this.#pairs, entry) & MACS) === 0) return tunnelName(this.#pairs, entry);
    const text = (i: number): string =>
      formatMac(mac(this.#pairs.word(entry, i), this.#pairs.word(entry, i + 1)));
    return `${text(1)} > ${text(5)}`;
  }

  /** Puts the frame's fingerprint into #a and #b; one of IDENTITY says what it is worth. */
  #fingerprint(crossing: Crossing, d: Dissection, tap: number): number {
    const { view, ip, link, network } = crossing;
    this.#a = crossing.vni;
    this.#b = tap;
    const outer = d.start(ip);
    if (d.kind(ip) === L.ipv6) this.#mixRange(view, outer + 8, outer + 40);
    else this.#mixRange(view, outer + 12, outer + 20);
    if (network < 0 || d.kind(network) === L.arp) {
      if (!readable(d, link, 14)) return IDENTITY.none;
      const at = d.start(link);
      this.#mixRange(view, at, Math.min(d.end(link), at + 64));
      return IDENTITY.weak;
    }
    if (!readable(d, network, 20)) return IDENTITY.none;
    const at = d.start(network);
    const head = d.head(network);
    const to = Math.min(d.end(network), head + SAMPLE);
    if (d.kind(network) === L.ipv6) {
      this.#mixRange(view, at, at + 7);
      this.#mixRange(view, at + 8, to);
      return IDENTITY.weak;
    }
    this.#mix(view.getInt32(at + 2));
    this.#mix((view.getUint16(at + 6) << 8) | view.getUint8(at + 9));
    this.#mixRange(view, at + 12, to);
    return ipv4.id(view, at) > 1 ? IDENTITY.strong : IDENTITY.weak;
  }

  #mixRange(view: DataView, from: number, to: number): void {
    let at = from;
    for (; at + 4 <= to; at += 4) this.#mix(view.getInt32(at));
    for (; at < to; at++) this.#mix(view.getUint8(at));
  }

  #mix(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x9e3779b1);
    this.#a = a ^ (a >>> 15);
    const b = Math.imul(this.#b + word, 0x85ebca77);
    this.#b = b ^ (b >>> 13);
  }
}

const IDENTITY = { none: 0, weak: 1, strong: 2 } as const;

/** A TTL word after the next sighting. */
function step(word: number, ttl: number): number {
  const before = word & 0xff;
  const falls = word >> 16;
  const next = ttl > before ? ROSE : ttl < before && falls < ROSE - 1 ? falls + 1 : falls;
  return (next << 16) | (word & 0xff00) | ttl;
}

function isFalling(word: number): boolean {
  return word >> 16 >= FALLS_MIN && word >> 16 < ROSE;
}

function ttlOf(view: DataView, d: Dissection, row: number): number {
  return view.getUint8(d.start(row) + (d.kind(row) === L.ipv6 ? 7 : 8));
}
