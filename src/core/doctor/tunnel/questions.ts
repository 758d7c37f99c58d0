// Questions for a MAC that crossed a tunnel and were not answered: ARP requests (RFC 826) and neighbour solicitations
// (RFC 4861 s.7.2).
//
// A question counts as unanswered when it was asked again, or when the capture went on for three seconds. A gratuitous
// ARP, a probe (RFC 5227) and duplicate address detection (RFC 4862 s.5.4) want no answer. State: 4096 pairs of asker
// and target in a VNI.

import type { Crossing } from '../../dissect/crossing.ts';
import { L } from '../../dissect/layer.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { formatIp4, formatIp6 } from '../../wire/address.ts';
import * as arp from '../../wire/arp.ts';
import { TYPE as ND } from '../../wire/nd.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { Table } from '../table.ts';
import type { Census } from './census.ts';
import { isArp } from './manner.ts';
import type { Vtep } from './parties.ts';
import { idle, seconds } from './rule.ts';

const QUESTIONS_MAX = 0x1000;
/** Microseconds: what comes sooner is a copy for another VTEP; Linux asks again after a second. */
const AGAIN = 500_000;
const PATIENCE = 3_000_000;
/** VNI and family, asker, target. */
const WORDS = 9;
const SIX = 0x8000_0000 | 0;

const ARP: Advice = {
  code: 'ARP-NO-ANSWER',
  explain:
    'A host asked over the tunnel for the MAC of an address and nobody answered, so it cannot send a packet there. The request is flooded to the VTEPs of the network (RFC 7348 s.4.2) and the answer comes back as unicast.',
  cure: 'See whether the host is up. If it is: its VTEP must be in the flood list or multicast group of the sender (bridge fdb show, 00:00:00:00:00:00), UDP must pass both ways, and VNI and port must be the same at both ends.',
};
const ND_ADVICE: Advice = {
  code: 'ND-NO-ANSWER',
  explain:
    'A host asked over the tunnel for the MAC of an IPv6 address (neighbour solicitation, RFC 4861 s.7.2.2) and nobody answered, so it cannot send a packet there. The question goes to a multicast group and must reach every VTEP of the network.',
  cure: 'As for ARP; see also that multicast snooping (MLD) on the bridges lets solicited-node groups through.',
};

class Question {
  pending = 0;
  again = 0;
  first = 0;
  last = 0;
  asker: Vtep | null = null;
  evidence: Evidence = new Evidence();
}

export class QuestionRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;
  readonly #questions = new Table<Question>(WORDS, QUESTIONS_MAX, () => new Question());

  constructor(census: Census) {
    this.#census = census;
  }

  cross(crossing: Crossing, sight: Sight): void {
    const { view, network, transport } = crossing;
    if (network < 0 || !this.#census.valid) return;
    const { d } = sight.last;
    const at = d.start(network);
    if (d.kind(network) === L.arp) {
      if (isArp(view, d, network)) this.#arp(view, at);
    } else if (transport >= 0 && d.kind(transport) === L.icmpv6 && d.kind(network) === L.ipv6) {
      if (d.end(transport) - d.start(transport) >= 24) this.#nd(view, at, d.start(transport));
    }
  }

  findings(): Finding[] {
    const found: Finding[] = [];
    for (let entry = 0; entry < this.#questions.size; entry++) {
      const { pending, again, first } = this.#questions.value(entry);
      if (pending > 0 && (again > 0 || this.#census.now - first >= PATIENCE)) found.push(this.#tell(entry));
    }
    return few(found);
  }

  #arp(view: DataView, at: number): void {
    const op = arp.op(view, at);
    const sender = view.getInt32(at + 14);
    const target = view.getInt32(at + 24);
    const { words } = this.#questions;
    words.fill(0);
    words[0] = this.#census.tunnel.vni;
    if (op === arp.OP.request && sender !== 0 && sender !== target) {
      words[1] = sender;
      words[5] = target;
      this.#ask();
    } else if (op === arp.OP.reply) {
      words[1] = target;
      words[5] = sender;
      this.#answer();
    }
  }

  #nd(view: DataView, ip: number, at: number): void {
    const type = view.getUint8(at);
    if (type !== ND.neighbourSolicitation && type !== ND.neighbourAdvertisement) return;
    const asked = type === ND.neighbourSolicitation;
    const { words } = this.#questions;
    words[0] = this.#census.tunnel.vni | SIX;
    for (let i = 0; i < 4; i++) {
      words[1 + i] = view.getInt32(ip + (asked ? 8 : 24) + 4 * i);
      words[5 + i] = view.getInt32(at + 8 + 4 * i);
    }
    if (!asked) this.#answer();
    else if (words[1] !== 0 || words[2] !== 0 || words[3] !== 0 || words[4] !== 0) this.#ask();
  }

  #ask(): void {
    const { now, tunnel } = this.#census;
    const question = this.#questions.value(this.#questions.seek());
    if (question.pending++ === 0) {
      question.first = now;
      question.last = now;
      question.again = 0;
      question.evidence = new Evidence();
      question.asker = tunnel.src;
    } else if (now - question.last >= AGAIN) {
      question.last = now;
      question.again++;
    }
    question.evidence.add(this.#census.number);
  }

  #answer(): void {
    const entry = this.#questions.find();
    if (entry >= 0) this.#questions.value(entry).pending = 0;
  }

  #tell(entry: number): Finding {
    const table = this.#questions;
    const { again, evidence, first, asker } = table.value(entry);
    const word = (i: number): number => table.word(entry, i);
    const six = word(0) < 0;
    const vni = word(0) & 0xffffff;
    const address = (at: number): string => {
      const part = (i: number): number => word(at + i) >>> 0;
      return six ? formatIp6({ a: part(0), b: part(1), c: part(2), d: part(3) }) : formatIp4(part(0));
    };
    const claim = this.#census.claimTo(vni, word(5), word(6), word(7), word(8));
    const there = claim !== null && claim.vtep !== asker && claim.at >= first;
    const asked = again > 0 ? `asked ${many(again + 1, 'time')}` : `${seconds(this.#census.now - first)} ago`;
    return finding(
      six ? ND_ADVICE : ARP,
      there ? 'error' : 'warning',
      `VNI ${vni}: nobody answers ${address(1)} who has ${address(5)} (${asked})`,
      evidence,
      there ? `${address(5)} is there: since then it spoke from VTEP ${claim.vtep.text}.` : '',
    );
  }
}
