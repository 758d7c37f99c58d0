// VTEPs, address pools, names and load balancers as tables.

import type { IpvsRow } from '../../lab/tables-balancer.ts';
import type { DnsRow } from '../../lab/tables-dns.ts';
import type { IpamRow } from '../../lab/tables-ipam.ts';
import type { PeerRow } from '../../lab/tables-peers.ts';
import { table } from './table.ts';

export function renderPeers(rows: readonly PeerRow[]): string {
  return table(
    [
      { head: 'NETWORK' },
      { head: 'VNI', align: 'right' },
      { head: 'NODE' },
      { head: 'VTEP' },
      { head: 'PORT', align: 'right' },
      { head: 'FLOODS TO' },
      { head: 'ENDPOINT' },
      { head: 'ADDRESS' },
      { head: 'MAC' },
    ],
    rows.flatMap(({ network, vni, node, vtep, port, flood, endpoints }) => {
      const place = [network, String(vni), node, vtep, String(port), flood.join(',') || '-'];
      if (endpoints.length === 0) return [place];
      return endpoints.map(({ name, address, mac }) => [...place, name, address, mac]);
    }),
  );
}

export function renderIpam(rows: readonly IpamRow[]): string {
  const networks = table(
    [
      { head: 'NETWORK' },
      { head: 'VNI', align: 'right' },
      { head: 'SUBNET' },
      { head: 'GATEWAY' },
      { head: 'MTU', align: 'right' },
      { head: 'FREE', align: 'right' },
      { head: 'OF', align: 'right' },
    ],
    rows.map(({ network, vni, subnet, gateway, mtu, free, capacity }) => [
      network,
      String(vni),
      subnet,
      gateway,
      String(mtu),
      String(free),
      String(capacity),
    ]),
  );
  const leases = table(
    [{ head: 'NETWORK' }, { head: 'ADDRESS' }, { head: 'KIND' }, { head: 'OWNER' }],
    rows.flatMap((row) => row.leases.map(({ address, kind, owner }) => [row.network, address, kind, owner])),
  );
  return `${networks}\n${leases}`;
}

export function renderDns(rows: readonly DnsRow[]): string {
  return table(
    [
      { head: 'NETWORK' },
      { head: 'NAME' },
      { head: 'TTL', align: 'right' },
      { head: 'TYPE' },
      { head: 'KIND' },
      { head: 'ADDRESSES' },
    ],
    rows.map(({ network, name, ttl, type, kind, addresses }) => [
      network,
      name,
      String(ttl),
      type,
      kind,
      addresses.join(' ') || '-',
    ]),
  );
}

/** The columns of `ipvsadm -Ln`, a line for each real server. */
export function renderIpvs(rows: readonly IpvsRow[]): string {
  return table(
    [
      { head: 'NODE' },
      { head: 'NAMESPACE' },
      { head: 'SERVICE' },
      { head: 'VIP' },
      { head: 'PORTS' },
      { head: 'FWM', align: 'right' },
      { head: 'SCHEDULER' },
      { head: 'SERVER' },
      { head: 'TASK' },
      { head: 'WEIGHT', align: 'right' },
      { head: 'ACTIVE', align: 'right' },
      { head: 'INACTIVE', align: 'right' },
      { head: 'CONNS', align: 'right' },
    ],
    rows.map((row) => [
      row.node,
      row.namespace,
      row.service,
      row.vip,
      row.ports.join(' ') || '-',
      String(row.mark),
      row.scheduler,
      row.server ?? '-',
      row.task ?? '-',
      String(row.weight),
      String(row.active),
      String(row.inactive),
      String(row.connections),
    ]),
  );
}
