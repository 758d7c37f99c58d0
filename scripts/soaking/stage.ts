// The network of a soak: five namespaces on one switch, and a station behind the VTEP under test.
//
//   1  the VTEP under test, 192.0.2.1 ── tap0 ─ station, 10.42.0.9; an emulated host, 10.42.0.1
//   2  a kernel VXLAN device that stays, 10.42.0.2
//   3  a kernel VXLAN device that comes and goes, 10.42.0.3
//   4  another `vxlab vtep`, which is killed and started anew, with the emulated host 10.42.0.4
//   5  a generator with the addresses of two more VTEPs and of a stranger
//
// Nothing crosses the switch but VXLAN and what ICMP says of it: MACs are known for good, there is no IPv6. So the interfaces'
// counters tell, to the packet, what each has sent.

import type { Place } from '../benchmarks/vtep-place.ts';
import { has } from '../benchmarks/vtep-place.ts';

export const VNI = 600;
export const PORT = 4789;
export const VTEP_IP = '192.0.2.1';
/** Two VTEPs that the generator speaks for, and one that nobody knows. */
export const PEERS = ['192.0.2.5', '192.0.2.6'] as const;
export const STRANGER = '192.0.2.66';
export const HOST_IP = '10.42.0.1';
export const HOST_MAC = '02:42:0a:2a:00:01';
export const STATION_IP = '10.42.0.9';
export const STATION_MAC = '02:00:00:00:42:09';
/** The station that moves from the one to the other of `PEERS`. */
export const ROAMER_IP = '10.42.0.5';
export const ROAMER_MAC = '02:00:00:00:42:05';
export const TAP = 'tap0';
export const NODES = [1, 2, 3, 4, 5] as const;

const mac = (n: number): string => `02:00:00:00:02:0${n}`;
const VXLAN = 'vx0';

export class Stage {
  readonly place: Place;
  readonly station: string;
  readonly #nodes: readonly string[];

  constructor(place: Place) {
    this.place = place;
    const wire = place.space('wire');
    place.ip('-n', wire, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    place.ip('-n', wire, 'link', 'set', 'br0', 'up');
    this.#nodes = NODES.map((n) => {
      const space = place.space(`n${n}`);
      place.cable(space, 'eth0', wire, `p${n}`);
      place.ip('-n', wire, 'link', 'set', `p${n}`, 'master', 'br0', 'up');
      // Segments that a card would cut are cut before they are counted.
      const off = ['tso', 'off', 'gso', 'off', 'gro', 'off', 'tx-udp-segmentation', 'off'];
      if (has('ethtool')) place.inside(space, 'ethtool', '-K', 'eth0', ...off);
      place.ip('-n', space, 'link', 'set', 'eth0', 'address', mac(n), 'up');
      place.ip('-n', space, 'addr', 'add', `192.0.2.${n}/24`, 'dev', 'eth0');
      place.inside(wire, 'bridge', 'fdb', 'replace', mac(n), 'dev', `p${n}`, 'master', 'static');
      return space;
    });
    for (const ip of [PEERS[1], STRANGER])
      place.ip('-n', this.node(5), 'addr', 'add', `${ip}/24`, 'dev', 'eth0');
    const known = [...NODES.map((n) => [`192.0.2.${n}`, mac(n)]), [PEERS[1], mac(5)], [STRANGER, mac(5)]];
    for (const space of this.#nodes) {
      for (const [ip = '', lladdr = ''] of known)
        place.ip('-n', space, 'neigh', 'replace', ip, 'lladdr', lladdr, 'dev', 'eth0');
    }
    this.station = place.space('station');
  }

  node(n: number): string {
    return this.#nodes[n - 1] as string;
  }

  /** The TAP device that the VTEP under test has made becomes the station's. */
  takeTap(): void {
    const { place, station } = this;
    place.ip('-n', this.node(1), 'link', 'set', TAP, 'netns', station);
    place.ip('-n', station, 'link', 'set', TAP, 'address', STATION_MAC, 'up');
    place.ip('-n', station, 'addr', 'add', `${STATION_IP}/24`, 'dev', TAP);
    place.ip('-n', station, 'neigh', 'replace', ROAMER_IP, 'lladdr', ROAMER_MAC, 'dev', TAP);
  }

  /** A kernel VXLAN device towards the VTEP under test, with an address of the overlay. */
  kernelUp(n: 2 | 3, address: string): void {
    const space = this.node(n);
    const how = ['id', String(VNI), 'dstport', String(PORT), 'local', `192.0.2.${n}`, 'remote', VTEP_IP];
    this.place.ip(
      '-n',
      space,
      'link',
      'add',
      VXLAN,
      'address',
      address,
      'type',
      'vxlan',
      ...how,
      'dev',
      'eth0',
    );
    this.place.ip('-n', space, 'addr', 'add', `10.42.0.${n}/24`, 'dev', VXLAN);
    this.place.ip('-n', space, 'link', 'set', VXLAN, 'up');
  }

  kernelDown(n: 2 | 3): void {
    this.place.ip('-n', this.node(n), 'link', 'del', VXLAN);
  }

  /** What an interface has sent and received, what it dropped included. */
  packets(
    space: string,
    device: string,
  ): { readonly rx: number; readonly tx: number; readonly lost: number } {
    const said = this.place.ip('-j', '-s', '-n', space, 'link', 'show', 'dev', device);
    const [{ stats64 }] = JSON.parse(said) as [{ stats64: Record<'rx' | 'tx', Record<string, number>> }];
    const of = (way: 'rx' | 'tx', what: string): number => stats64[way][what] ?? 0;
    return {
      rx: of('rx', 'packets'),
      tx: of('tx', 'packets'),
      lost: of('rx', 'dropped') + of('tx', 'dropped'),
    };
  }

  /** A namespace's protocol counters, such as `Icmp.InMsgs` (/proc/net/snmp). */
  protocols(space: string): ReadonlyMap<string, number> {
    const lines = this.place.inside(space, 'cat', '/proc/net/snmp').trim().split('\n');
    const counts = new Map<string, number>();
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const [name = '', ...keys] = (lines[i] as string).split(' ');
      const [, ...values] = (lines[i + 1] as string).split(' ');
      for (const [k, key] of keys.entries()) counts.set(`${name.slice(0, -1)}.${key}`, Number(values[k]));
    }
    return counts;
  }

  hasDevice(space: string, device: string): boolean {
    return this.place
      .ip('-n', space, '-br', 'link')
      .split('\n')
      .some((line) => line.startsWith(device));
  }
}
