// Docker's encrypted overlay networks (libnetwork drivers/overlay/encryption.go): which nodes have security associations with each
// other, under which keys, and which VNIs their kernels are told to guard.
//
// Two nodes have associations while both have a sandbox of an encrypted network: one to send under the primary key, and for each key of
// the ring one to receive. The keys are the swarm's, the SPI and with it the salt are of the pair. All nodes turn the ring in the same
// instant: the gossip that tells them is not emulated.

import type { SecurityAssociation } from '../../core/esp/association.ts';
import type { CipherSuite } from '../../core/esp/cipher.ts';
import type { Ip } from '../../core/wire/address.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import { Esp } from '../host/esp/esp.ts';
import { buildSpi } from '../host/esp/spi.ts';
import type { Weakness } from '../host/esp/weakness.ts';
import type { Host } from '../host/host.ts';
import type { TimerId, TimerTarget } from '../time/clock.ts';
import type { Ground } from './ground.ts';
import type { RingKey } from './key-ring.ts';
import { KeyRing, ROTATION_INTERVAL } from './key-ring.ts';
import type { NetworkPlan } from './plan.ts';

export interface EncryptionOptions {
  /** Without one there are no associations, so that encrypted networks carry nothing: as on a kernel without ESP. */
  readonly cipher: CipherSuite | null;
  /** The tunnel's UDP port. */
  readonly port: number;
  /** Sequence numbers that a receiver remembers; default 64. Docker asks its kernel for none. */
  readonly replayWindow?: number;
  /** A defence to leave out. */
  readonly weakness?: Weakness | null;
}

/** A node as it joins in. */
export interface EncryptionSite {
  readonly name: string;
  readonly ip: Ip;
  readonly host: Host;
}

interface Site {
  readonly name: string;
  readonly ip: Ip;
  readonly esp: Esp;
  /** VNIs of the encrypted networks that have a sandbox here. */
  readonly vnis: Set<number>;
}

/** rfc4106(gcm(aes)) with 64 bits of ICV. */
const ICV_LENGTH = 8;

export class Encryption implements TimerTarget {
  readonly #ground: Ground;
  readonly #options: EncryptionOptions;
  readonly #ring: KeyRing;
  readonly #sites: Map<string, Site> = new Map();
  /** How many encrypted networks two nodes share, by their names. */
  readonly #shared: Map<string, number> = new Map();
  readonly #made: SecurityAssociation[] = [];
  #timer: TimerId = 0;

  constructor(ground: Ground, options: EncryptionOptions) {
    this.#ground = ground;
    this.#options = options;
    this.#ring = new KeyRing(ground.random.stream('encryption/keys'));
  }

  /** Every association that ever was, in the order they were made: who has them can read it all. */
  get associations(): readonly SecurityAssociation[] {
    return this.#made;
  }

  /** A node's IPsec, for tables; undefined where it has none. */
  at(node: string): Esp | undefined {
    return this.#sites.get(node)?.esp;
  }

  /** A sandbox of an encrypted network came up on a node. */
  opened(node: EncryptionSite, network: NetworkPlan): void {
    if (!network.encrypted) return;
    const site = this.#site(node);
    site.vnis.add(network.vni);
    site.esp.guard(network.vni);
    for (const other of this.#sites.values()) {
      if (other === site || !other.vnis.has(network.vni)) continue;
      const pair = pairOf(site, other);
      const networks = (this.#shared.get(pair) ?? 0) + 1;
      this.#shared.set(pair, networks);
      if (networks === 1) this.#meet(site, other);
    }
    if (this.#timer === 0) this.#wait();
  }

  /** It went down. */
  closed({ name }: EncryptionSite, network: NetworkPlan): void {
    const site = this.#sites.get(name);
    if (!network.encrypted || site === undefined || !site.vnis.delete(network.vni)) return;
    site.esp.unguard(network.vni);
    for (const other of this.#sites.values()) {
      if (other === site || !other.vnis.has(network.vni)) continue;
      const pair = pairOf(site, other);
      const networks = (this.#shared.get(pair) ?? 1) - 1;
      if (networks > 0) this.#shared.set(pair, networks);
      else this.#part(pair, site, other);
    }
  }

  /** The ring turns. */
  fire(): void {
    const [oldest] = this.#ring.keys as [RingKey];
    this.#ring.turn();
    const newest = this.#ring.keys.at(-1) as RingKey;
    for (const [from, to] of this.#directions()) {
      to.esp.forgetFrom(buildSpi(from.ip, to.ip, oldest.tag));
      to.esp.openWith(this.#association(from, to, newest, true));
      from.esp.sealWith(this.#association(from, to, this.#ring.primary));
    }
    this.#wait();
  }

  close(): void {
    this.#ground.timers.cancel(this.#timer);
    this.#timer = 0;
  }

  #wait(): void {
    const { timers, clock } = this.#ground;
    this.#timer = timers.at(clock.now + ROTATION_INTERVAL, this, 0);
  }

  #site({ name, ip, host }: EncryptionSite): Site {
    const known = this.#sites.get(name);
    if (known !== undefined) return known;
    const { cipher, port, replayWindow, weakness = null } = this.#options;
    const esp = new Esp(host, {
      port,
      suite: cipher,
      random: this.#ground.random.stream(`encryption/${name}`),
      weakness,
      ...(replayWindow === undefined ? {} : { window: replayWindow }),
    });
    host.esp = esp;
    host.ip4.protocols.set(PROTO.esp, esp);
    host.ip6.protocols.set(PROTO.esp, esp);
    const site = { name, ip, esp, vnis: new Set<number>() };
    this.#sites.set(name, site);
    return site;
  }

  #meet(one: Site, other: Site): void {
    if (this.#options.cipher === null) return;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      for (const key of this.#ring.keys) to.esp.openWith(this.#association(from, to, key, true));
      from.esp.sealWith(this.#association(from, to, this.#ring.primary));
    }
  }

  #part(pair: string, one: Site, other: Site): void {
    this.#shared.delete(pair);
    for (const { tag } of this.#ring.keys) {
      one.esp.forgetFrom(buildSpi(other.ip, one.ip, tag));
      other.esp.forgetFrom(buildSpi(one.ip, other.ip, tag));
    }
    one.esp.forgetTo(other.ip);
    other.esp.forgetTo(one.ip);
  }

  #directions(): [Site, Site][] {
    const sites = [...this.#sites.values()];
    return sites.flatMap((from) =>
      sites.filter((to) => this.#shared.has(pairOf(from, to))).map((to): [Site, Site] => [from, to]),
    );
  }

  /** @param keep whether it is a new one, to be listed */
  #association(from: Site, to: Site, { tag, key }: RingKey, keep = false): SecurityAssociation {
    const spi = buildSpi(from.ip, to.ip, tag);
    const salt = Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi);
    const association = { src: from.ip, dst: to.ip, spi, key, salt, icvLength: ICV_LENGTH } as const;
    if (keep) this.#made.push(association);
    return association;
  }
}

function pairOf(one: Site, other: Site): string {
  return one.name < other.name ? `${one.name} ${other.name}` : `${other.name} ${one.name}`;
}
