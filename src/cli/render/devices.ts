// Links, forwarding databases and neighbours in the words and column order of ip and bridge. A line that starts with `#`
// says where the following ones were taken; the rest of a line is what the tool prints there.

import type { FdbRow } from '../../lab/tables-fdb.ts';
import type { LinkRow, VxlanSettings } from '../../lab/tables-links.ts';
import type { NeighRow } from '../../lab/tables-neigh.ts';

interface Placed {
  readonly node: string;
  readonly namespace: string;
  readonly network?: string;
}

/** Lines under a heading for each node and namespace; blank lines between them. */
function grouped<T extends Placed>(rows: readonly T[], line: (row: T, index: number) => string): string {
  let heading = '';
  let index = 0;
  let text = '';
  for (const row of rows) {
    const here = headingOf(row);
    if (here !== heading) {
      text += `${text === '' ? '' : '\n'}# ${here}\n`;
      heading = here;
      index = 0;
    }
    text += `${line(row, ++index)}\n`;
  }
  return text;
}

function headingOf({ node, namespace, network }: Placed): string {
  if (namespace === '') return node;
  return network === undefined || network === ''
    ? `${node} ${namespace}`
    : `${node} ${namespace} (${network})`;
}

export function renderFdb(rows: readonly FdbRow[]): string {
  return grouped(rows, ({ mac, dev, dst, master, permanent }) => {
    const where = dst === null ? '' : ` dst ${dst}`;
    const owner = master === null ? ' self' : ` master ${master}`;
    return `${mac} dev ${dev}${where}${owner}${permanent ? ' permanent' : ''}`;
  });
}

export function renderNeigh(rows: readonly NeighRow[]): string {
  return grouped(rows, ({ address, dev, mac, state }) => {
    const lladdr = mac === null ? '' : ` lladdr ${mac}`;
    return `${address} dev ${dev}${lladdr} ${state}`;
  });
}

export function renderLinks(rows: readonly LinkRow[]): string {
  return grouped(rows, (row, index) => {
    const flags = row.up ? 'BROADCAST,MULTICAST,UP,LOWER_UP' : 'BROADCAST,MULTICAST';
    const master = row.master === null ? '' : ` master ${row.master}`;
    const state = row.up ? 'UP' : 'DOWN';
    const lines = [`${index}: ${row.name}: <${flags}> mtu ${row.mtu}${master} state ${state}`];
    if (row.mac !== null) lines.push(`    link/ether ${row.mac} brd ff:ff:ff:ff:ff:ff`);
    if (row.peer !== null) lines.push(`    veth peer ${row.peer}`);
    if (row.kind === 'bridge') lines.push('    bridge ageing_time 30000');
    if (row.vxlan !== null) lines.push(`    ${vxlanLine(row.vxlan)}`);
    for (const address of row.addresses)
      lines.push(`    ${address.includes(':') ? 'inet6' : 'inet'} ${address}`);
    lines.push(`    RX: ${row.rxBytes} bytes ${row.rxPackets} packets ${row.dropped} dropped`);
    lines.push(`    TX: ${row.txBytes} bytes ${row.txPackets} packets`);
    return lines.join('\n');
  });
}

/** In the order of iproute2's iplink_vxlan.c. */
function vxlanLine(is: VxlanSettings): string {
  const words = [`vxlan id ${is.id}`];
  if (is.group !== null) words.push(`group ${is.group} dev eth0`);
  words.push(`srcport ${is.sourcePorts[0]} ${is.sourcePorts[1]} dstport ${is.dstPort}`);
  if (!is.learning) words.push('nolearning');
  if (is.proxy) words.push('proxy l2miss l3miss');
  words.push(`ttl auto ageing ${is.ageing}`);
  words.push(is.udpChecksum ? 'udpcsum' : 'noudpcsum', 'noudp6zerocsumtx noudp6zerocsumrx');
  return words.join(' ');
}
