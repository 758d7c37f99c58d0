// What tshark says of one packet, put in order: which address belongs to which header, and from that the tunnels that it crosses.
//
// tshark prints the values of a field in the order of the headers that have it, and the headers' names in frame.protocols; so the
// names are gone through and each takes its next value. VXLAN-GPE is missing among the names and is known by its port.

const GPE_PORT = '4790';

export interface End {
  readonly src: string | null;
  readonly dst: string | null;
  readonly srcPort: number | null;
  readonly dstPort: number | null;
}

export interface Tunnel {
  readonly vni: number;
  /** True when receivers may take it: the I flag is set (RFC 7348 s.5). */
  readonly valid: boolean;
  readonly outer: End;
  readonly inner: End & { readonly srcMac: string | null; readonly dstMac: string | null };
}

export interface Told {
  /** From the outside in. */
  readonly tunnels: readonly Tunnel[];
  /** The outermost IP header of the packet and the ports behind it; null when there is none. */
  readonly plain: End | null;
}

/** @param cell the cell of a column, '' where it is empty */
export function layersOf(cell: (column: string) => string): Told {
  const walk = new Walk(cell);
  for (const name of cell('frame.protocols').split(':')) walk.step(name);
  return walk.told();
}

interface Headers {
  mac: [string, string] | null;
  ip: [string, string] | null;
  arp: [string, string] | null;
  ports: [number, number] | null;
}

function none(): Headers {
  return { mac: null, ip: null, arp: null, ports: null };
}

class Walk {
  readonly #cell: (column: string) => string;
  readonly #left: Map<string, string[]> = new Map();
  /** What was seen between one VXLAN header and the next. */
  readonly #levels: Headers[] = [none()];
  readonly #vxlan: { vni: number; valid: boolean }[] = [];
  /** The IP header that stands nearest before the next VXLAN header, and the UDP header that does. */
  readonly #around: { ip: [string, string] | null; ports: [number, number] | null }[] = [];
  #ip: [string, string] | null = null;
  #ports: [number, number] | null = null;
  /** Set behind an ICMP header: what follows is a quote; and inside another kind of tunnel. */
  #quoted = false;
  #closed = false;

  constructor(cell: (column: string) => string) {
    this.#cell = cell;
  }

  step(name: string): void {
    switch (name) {
      case 'eth':
        this.#put('mac', this.#pair('eth.src', 'eth.dst'));
        return;
      case 'ip':
        this.#address(this.#pair('ip.src', 'ip.dst'));
        return;
      case 'ipv6':
        this.#address(this.#pair('ipv6.src', 'ipv6.dst'));
        return;
      case 'arp':
        this.#put('arp', this.#pair('arp.src.proto_ipv4', 'arp.dst.proto_ipv4'));
        if (!this.#quoted) this.#ip = null;
        return;
      case 'tcp':
        this.#transport(this.#pair('tcp.srcport', 'tcp.dstport'));
        return;
      case 'udp': {
        const ports = this.#pair('udp.srcport', 'udp.dstport');
        this.#transport(ports);
        // By destination first; the source counts where the destination says nothing.
        const gpe =
          ports !== null && (ports[1] === GPE_PORT || (ports[0] === GPE_PORT && ports[1] !== '4789'));
        if (gpe && !this.#names('vxlan')) this.#tunnel();
        return;
      }
      case 'vxlan':
        this.#tunnel();
        return;
      case 'icmp':
      case 'icmpv6':
        this.#quoted = true;
        return;
      case 'gre':
      case 'geneve':
        this.#closed = true;
        return;
      default:
    }
  }

  told(): Told {
    const tunnels = this.#vxlan.map(({ vni, valid }, i) => {
      const inside = this.#levels[i + 1] as Headers;
      const { ip, ports } = this.#around[i] as {
        ip: [string, string] | null;
        ports: [number, number] | null;
      };
      const [srcMac, dstMac] = inside.mac ?? [null, null];
      const inner = { srcMac, dstMac, ...endOf(inside.ip ?? inside.arp, inside.ports) };
      return { vni, valid, outer: endOf(ip, ports), inner };
    });
    const { ip, ports } = this.#levels[0] as Headers;
    return { tunnels, plain: ip === null ? null : endOf(ip, ports) };
  }

  #names(name: string): boolean {
    return this.#cell('frame.protocols').split(':').includes(name);
  }

  #next(column: string): string | null {
    let values = this.#left.get(column);
    if (values === undefined) {
      const cell = this.#cell(column);
      values = cell === '' ? [] : cell.split(';');
      this.#left.set(column, values);
    }
    return values.shift() ?? null;
  }

  #pair(one: string, other: string): [string, string] | null {
    const [a, b] = [this.#next(one), this.#next(other)];
    return a === null || b === null ? null : [a, b];
  }

  #put(what: 'mac' | 'arp', pair: [string, string] | null): void {
    const level = this.#levels.at(-1) as Headers;
    if (!this.#quoted && !this.#closed) level[what] ??= pair;
  }

  #address(pair: [string, string] | null): void {
    if (this.#quoted) return;
    const level = this.#levels.at(-1) as Headers;
    if (!this.#closed) level.ip ??= level.arp === null ? pair : null;
    // A second IP header right behind the first is a tunnel of its own.
    if (level.ip !== null && level.ip !== pair) this.#closed = true;
    this.#ip = pair;
    this.#ports = null;
  }

  #transport(pair: [string, string] | null): void {
    if (this.#quoted) return;
    const ports: [number, number] | null = pair === null ? null : [Number(pair[0]), Number(pair[1])];
    if (!this.#closed) (this.#levels.at(-1) as Headers).ports ??= ports;
    this.#ports = ports;
  }

  #tunnel(): void {
    const vni = this.#next('vxlan.vni');
    const flags = this.#next('vxlan.flags');
    if (vni === null || flags === null || this.#quoted) return;
    // Two bytes of VXLAN, one of GPE.
    const valid = (Number(flags) & (flags.length > 4 ? 0x0800 : 0x08)) !== 0;
    this.#vxlan.push({ vni: Number(vni), valid });
    this.#around.push({ ip: this.#ip, ports: this.#ports });
    this.#levels.push(none());
    this.#closed = false;
  }
}

function endOf(ip: [string, string] | null, ports: [number, number] | null): End {
  const [src, dst] = ip ?? [null, null];
  const [srcPort, dstPort] = ports ?? [null, null];
  return { src, dst, srcPort, dstPort };
}
