// What of a capture's packets is sent: whole frames, the frames inside its tunnels, the UDP payloads of its VXLAN datagrams, or the IP
// packets alone, for an interface that has no Ethernet. What is taken is copied to where it waits for its time.

import { Crossing } from '../../core/dissect/crossing.ts';
import { Decap } from '../../core/edit/decap.ts';
import { Outlet } from '../../core/edit/outlet.ts';
import { LINKTYPE, linkTypeName } from '../../core/pcap/linktype.ts';
import type { CaptureReader, PacketMeta } from '../../core/pcap/record.ts';
import type { Sight } from '../../core/reassembly/sight.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import { bareIpAt, bareIpLength, bareIpLinks } from './bare-ip.ts';
import type { Held } from './held.ts';
import { NO_PORT } from './road.ts';

/** What is done with packets that a snap length cut short. */
export type CutRule = 'skip' | 'send' | 'pad';

export interface PickOptions {
  /** `frames` as they were captured, `inner` what tunnels carried, `datagrams` with their VXLAN header. */
  readonly what: 'frames' | 'inner' | 'datagrams';
  /** What a packet begins with where it goes; `datagrams` do not care. */
  readonly begins: 'ethernet' | 'ip';
  /** Put a VXLAN header of this VNI in front; null for none. */
  readonly vni: number | null;
  readonly cut: CutRule;
  /** For sentences: what is read and where it goes. */
  readonly from: string;
  readonly to: string;
}

export class Pick {
  readonly skipped: Map<string, number>;
  readonly #held: Held;
  readonly #options: PickOptions;
  readonly #reader: CaptureReader;
  readonly #decap: Decap | null;
  readonly #crossing: Crossing = new Crossing();
  #taken = false;

  /** @param skipped what is left out, by reason: of several passes over a capture all share one */
  constructor(held: Held, reader: CaptureReader, skipped: Map<string, number>, options: PickOptions) {
    this.#held = held;
    this.skipped = skipped;
    this.#reader = reader;
    this.#options = options;
    this.#decap = options.what === 'inner' ? new Decap(new HeldOutlet(this), reader) : null;
  }

  /** True when packets must be walked over before they come. */
  get needsSight(): boolean {
    return this.#options.what !== 'frames';
  }

  /** @throws VxlabError BAD_LINK_TYPE when none of the capture's packets can go there */
  packet(sight: Sight, meta: PacketMeta, view: DataView, start: number, end: number): void {
    if (this.#decap !== null) this.#decap.packet(sight, meta, view, start, end);
    else if (this.#options.what === 'datagrams') this.#datagram(sight, meta);
    else {
      // A frame check sequence is the interface's to write.
      const fcs = meta.originalLength > end - start ? 0 : Math.min(meta.fcsLength, end - start);
      this.take(meta.linkType, view, start, end - fcs, meta.originalLength - fcs, meta);
    }
  }

  /** Counts of a capture that has ended. */
  end(): void {
    if (this.#decap === null) return;
    const { withoutTunnel = 0, fragments = 0, noFrame = 0 } = this.#decap.counts();
    this.skip('withoutTunnel', withoutTunnel);
    this.skip('fragments', fragments);
    this.skip('noFrame', noFrame);
  }

  skip(reason: string, count = 1): void {
    if (count > 0) this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + count);
  }

  /** Takes bytes [start, end) that begin as the link type says. @param length how many they were on the wire */
  take(linkType: number, view: DataView, start: number, end: number, length: number, meta: PacketMeta): void {
    if (!this.#fits(linkType)) return this.skip('linkType');
    if (this.#options.begins === 'ethernet') return this.#hold(view, start, end, length, meta, NO_PORT);
    const at = bareIpAt(linkType, view, start, end);
    if (at < 0) return this.skip('notIp');
    const whole = bareIpLength(view, at);
    this.#hold(view, at, Math.min(end, at + whole), whole, meta, NO_PORT);
  }

  #datagram(sight: Sight, meta: PacketMeta): void {
    const crossing = this.#crossing;
    for (const { view, d, from } of sight.parts) {
      if (!crossing.find(view, d, from)) continue;
      const start = d.start(crossing.vxlan);
      const port = crossing.udp < 0 ? NO_PORT : view.getUint16(d.start(crossing.udp));
      return this.#hold(view, start, d.end(crossing.vxlan), d.limit(crossing.vxlan) - start, meta, port);
    }
    this.skip(sight.own.d.fragment >= 0 ? 'fragments' : 'withoutTunnel');
  }

  #hold(
    view: DataView,
    start: number,
    end: number,
    length: number,
    { seconds, nanos, timed }: PacketMeta,
    port: number,
  ): void {
    const { cut, vni } = this.#options;
    const short = length > end - start;
    if (short && cut === 'skip') return this.skip('cutShort');
    const whole = short && cut === 'pad' ? length : end - start;
    const head = vni === null ? 0 : vxlan.HEADER_LEN;
    const held = this.#held;
    const at = held.add(head + whole, timed ? seconds : -1, nanos, port);
    if (vni !== null) vxlan.write(held.view, at, vni);
    held.fill(at + head, view, start, end, at + head + whole);
  }

  /** Of a capture of several link types the others are left out. */
  #fits(linkType: number): boolean {
    const { begins, from, to } = this.#options;
    const ethernet = begins === 'ethernet';
    const fits = (type: number): boolean => type === LINKTYPE.ethernet || (!ethernet && bareIpLinks(type));
    if (fits(linkType)) {
      this.#taken = true;
      return true;
    }
    if (!this.#taken && !this.#reader.interfaces.some((one) => fits(one.linkType))) {
      const wanted = ethernet ? 'Ethernet frames' : 'IP packets';
      throw new VxlabError(
        'BAD_LINK_TYPE',
        `${from} holds packets of link type ${linkTypeName(linkType)}, and ${to} takes ${wanted}`,
      );
    }
    return false;
  }
}

/** Where Decap writes the frames that it finds. */
class HeldOutlet extends Outlet {
  readonly #pick: Pick;

  constructor(pick: Pick) {
    super(() => undefined, 'pcap', LINKTYPE.ethernet);
    this.#pick = pick;
  }

  override write(
    _iface: number,
    _view: DataView,
    meta: PacketMeta,
    bytes: DataView,
    start: number,
    end: number,
    originalLength: number,
  ): void {
    this.#pick.take(LINKTYPE.ethernet, bytes, start, end, originalLength, meta);
  }
}
