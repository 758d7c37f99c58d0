// ICMP errors of the underlay about tunnel packets: no VTEP behind the port, no way to the host. RFC 792, RFC 4443.
//
// Whoever sent the inner frame never hears of them: the VTEP does, and Linux's passes on only the path MTU. An error
// about a VTEP that nevertheless answers is that of a kernel which does not know of a VTEP in user space. Packets too big
// and expired TTLs are other rules'. State: 256 pairs of VTEPs.

import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as icmp from '../../wire/icmp.ts';
import * as icmpv6 from '../../wire/icmpv6.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { quotedIp, quotesTunnel } from '../traffic/icmp.ts';
import type { Census } from './census.ts';
import type { Path } from './parties.ts';

const PATHS_MAX = 256;

const PORT: Advice = {
  code: 'VTEP-PORT-UNREACHABLE',
  explain:
    'The machine at the other end answers VXLAN packets with "port unreachable": no VTEP listens on that UDP port there. Every frame sent to it is lost, and the host inside is not told.',
  cure: 'Start the VTEP there (ip -d link show type vxlan; ss -lun), or use its port: 4789, or 8472 for Linux without dstport, flannel and Cilium.',
};
const HOST: Advice = {
  code: 'VTEP-UNREACHABLE',
  explain:
    'The underlay reports that a VTEP cannot be reached, or that its packets are forbidden. Every frame sent to it is lost, and the host inside is not told.',
  cure: 'See whether the node is up and the route to it is there (ip route get ADDRESS); "prohibited" is a firewall, which must let UDP to the VXLAN port pass.',
};
const KIND = { none: 0, port: 1, host: 2 } as const;

class Errors {
  readonly port: Evidence = new Evidence();
  readonly host: Evidence = new Evidence();
}

export class UnreachableRule implements Rule {
  readonly #census: Census;
  readonly #errors: Map<Path, Errors> = new Map();

  constructor(census: Census) {
    this.#census = census;
  }

  observe(sight: Sight, meta: PacketMeta): void {
    const { view, d } = sight.last;
    const row = d.transport;
    if (row < 0 || row + 1 >= d.count || !d.quoted(row + 1)) return;
    const kind = kindOf(view, d, row);
    const ip = quotedIp(d, row);
    if (kind === KIND.none || ip < 0 || !quotesTunnel(view, d, ip)) return;
    const census = this.#census;
    const path = census.path(census.vtep(view, d, ip, false), census.vtep(view, d, ip, true));
    const errors = this.#errorsOf(path);
    if (errors === null) return;
    (kind === KIND.port ? errors.port : errors.host).add(meta.number);
  }

  findings(): Finding[] {
    const ports: Finding[] = [];
    const hosts: Finding[] = [];
    for (const [path, { port, host }] of this.#errors) {
      const severity = this.#answers(path) ? 'warning' : 'error';
      const more =
        severity === 'error'
          ? ''
          : 'Yet frames do come back from there: its VTEP is one of user space that the kernel does not know (Open vSwitch, VPP), or it came later.';
      if (port.count > 0) {
        const title = `no VTEP listens at ${path.dst.text}: ${many(port.count, 'ICMP error')} (port unreachable) to ${path.src.text}`;
        ports.push(finding(PORT, severity, title, port, more));
      }
      if (host.count > 0) {
        const title = `no way to VTEP ${path.dst.text}: ${many(host.count, 'ICMP error')} (unreachable) to ${path.src.text}`;
        hosts.push(finding(HOST, severity, title, host));
      }
    }
    return [...few(ports), ...few(hosts)];
  }

  /** True when frames for stations came back from the VTEP. */
  #answers(path: Path): boolean {
    return this.#census
      .pairs()
      .some(
        ({ one, other }) =>
          (one.path === path && other.unicast > 0) || (other.path === path && one.unicast > 0),
      );
  }

  #errorsOf(path: Path): Errors | null {
    let errors = this.#errors.get(path);
    if (errors === undefined) {
      if (this.#errors.size >= PATHS_MAX) return null;
      errors = new Errors();
      this.#errors.set(path, errors);
    }
    return errors;
  }
}

function kindOf(view: DataView, d: Dissection, row: number): number {
  const at = d.start(row);
  const type = icmp.type(view, at);
  const code = icmp.code(view, at);
  if (d.kind(row) === L.icmp) {
    if (type !== icmp.TYPE.unreachable) return KIND.none;
    if (code === icmp.CODE.port) return KIND.port;
    return code === icmp.CODE.fragNeeded ? KIND.none : KIND.host;
  }
  if (d.kind(row) !== L.icmpv6) return KIND.none;
  if (type !== icmpv6.TYPE.unreachable) return KIND.none;
  return code === icmpv6.CODE.port ? KIND.port : KIND.host;
}
