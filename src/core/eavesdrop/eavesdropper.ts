// The eavesdropper on the underlay: everything that can be read in a capture, by VNI and conversation.
//
//   const eavesdropper = new Eavesdropper();
//   ... for each packet: sight.read(view, start, end, meta); eavesdropper.observe(sight, meta);
//   eavesdropper.end();
//   eavesdropper.report();
//
// Memory does not grow with the capture: every table has a bound, and the report says which was reached.

import type { PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';
import { InnerPacket, NO_VNI } from '../streams/inner-packet.ts';
import { Streams } from '../streams/streams.ts';
import { Archive } from './archive.ts';
import type { Room } from './ear.ts';
import { Ear } from './ear.ts';
import { Hosts } from './hosts.ts';
import type { Inflate } from './inflate.ts';
import type { EavesdropLimits } from './limits.ts';
import { eavesdropLimits, Hits } from './limits.ts';
import { protocols } from './protocols/index.ts';
import type { Protocol } from './reader.ts';
import type { EavesdropReport } from './report.ts';
import { SealedTraffic } from './sealed.ts';
import { Shelf } from './shelf.ts';
import { noteStranger } from './strangers.ts';

export interface EavesdropOptions {
  readonly limits?: Partial<EavesdropLimits>;
  /** Unpacks gzip'd bodies; without it they stay packed. */
  readonly inflate?: Inflate;
  /** False leaves out what is in no tunnel; default true. */
  readonly outside?: boolean;
  /** Any 32-bit number; a secret one keeps whoever made a capture from slowing the tables down. */
  readonly salt?: number;
  /** Instead of all that are known. */
  readonly protocols?: readonly Protocol[];
}

export class Eavesdropper {
  readonly #streams: Streams;
  readonly #archive: Archive;
  readonly #hosts: Hosts;
  readonly #sealed: SealedTraffic;
  readonly #hits: Hits = new Hits();
  readonly #packet: InnerPacket = new InnerPacket();
  readonly #outside: boolean;
  readonly #live: Set<Ear> = new Set();
  #packets = 0;
  #tunnelled = 0;
  #conversations = 0;
  #evicted = 0;

  /** @throws VxlabError BAD_LIMIT */
  constructor(options: EavesdropOptions = {}) {
    const limits = eavesdropLimits(options.limits);
    const known = options.protocols ?? protocols(options.inflate ?? null);
    this.#outside = options.outside ?? true;
    this.#hosts = new Hosts(this.#hits, limits.hosts, limits.names);
    this.#sealed = new SealedTraffic(this.#hits, limits.sealed);
    const shelf = new Shelf(limits, this.#hits);
    this.#archive = new Archive(shelf);
    const ports = new Set(
      known.flatMap((one) =>
        one.ports.flatMap((port) => (one.transports ?? ['TCP']).map((transport) => `${transport} ${port}`)),
      ),
    );
    this.#streams = new Streams(
      (packet, clientIsSource) => {
        const ear = new Ear(room, ++this.#conversations, packet, clientIsSource);
        this.#live.add(ear);
        return ear;
      },
      {
        limits,
        salt: options.salt ?? 0,
        isServerPort: (port, isTcp) => ports.has(`${isTcp ? 'TCP' : 'UDP'} ${port}`),
      },
    );
    const room: Room = {
      protocols: known,
      purse: this.#streams.purse,
      shelf,
      hosts: this.#hosts,
      over: (ear) => {
        this.#live.delete(ear);
        this.#archive.add(ear);
      },
    };
  }

  /** Bytes of memory that are held of conversations that are going on. */
  get held(): number {
    return this.#streams.purse.held;
  }

  /** Looks at the packet that the sight has read last. Never throws. */
  observe(sight: Sight, meta: PacketMeta): void {
    this.#packets++;
    const { last } = sight;
    const isTunnelled = last.d.vxlan >= 0 && last.d.fault(last.d.vxlan) === 0;
    if (isTunnelled) this.#tunnelled++;
    this.#evicted = sight.reassembler.counts.evicted;
    this.#sealed.observe(sight, meta.originalLength);
    const packet = this.#packet;
    if (!packet.read(sight, meta)) {
      if (isTunnelled) noteStranger(this.#hosts, last.view, last.d);
      return;
    }
    if (packet.vni === NO_VNI && !this.#outside) return;
    this.#streams.take(packet);
  }

  /** The capture has ended. */
  end(): void {
    this.#streams.end();
  }

  /** What was heard so far; all of it after `end`. */
  report(): EavesdropReport {
    const { counts } = this.#streams;
    const limits = [
      ...this.#hits.list(),
      { limit: 'conversations at once', times: counts.streams },
      { limit: 'bytes held of all conversations', times: counts.bytes },
      { limit: 'bytes held out of order', times: counts.held },
      { limit: 'segments held out of order', times: counts.segments },
      { limit: 'datagrams in fragments', times: this.#evicted },
    ];
    const { conversations, more } = this.#archive.list(this.#live);
    return {
      packets: this.#packets,
      tunnelled: this.#tunnelled,
      conversations,
      more,
      hosts: this.#hosts.list(),
      sealed: this.#sealed.list(),
      limits: limits.filter(({ times }) => times > 0),
    };
  }
}
