// One VTEP with one emulated host behind it, on a real UDP socket: what a test runs in a network namespace of its own.
//
//   npx tsx one-vtep.ts LOCAL REMOTE PORT VNI HOST/PREFIX MAC
//
// Prints `ready` when the socket is open, and one JSON line of counters for each line on standard input; ends with it.

import { createInterface } from 'node:readline';
import { macHi, macLo, parseMac } from '../../src/core/wire/address.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import { Bridge } from '../../src/engine/fabric/bridge.ts';
import { VniDemux } from '../../src/engine/fabric/vni-demux.ts';
import { Vtep } from '../../src/engine/fabric/vtep.ts';
import { Ground } from '../../src/engine/orchestrate/ground.ts';
import { UdpUnderlay } from '../../src/live/underlay/udp-underlay.ts';
import { WallClock } from '../../src/live/wall-clock.ts';

const [local = '', remote = '', port = '', vni = '', address = '', mac = ''] = process.argv.slice(2);
const [host = '', prefix = '24'] = address.split('/');
const DEVICE_MAC = parseMac('02:00:00:00:00:99');
const MTU = 1450;

const clock = new WallClock();
const ground = new Ground(clock, 1);
const demux = new VniDemux(1, ground.trace);
const underlay = new UdpUnderlay(ground, clock, demux, { local: parseIp(local), port: Number(port) });
const bridge = new Bridge(2, 'br0', clock, ground.trace);
const vtep = new Vtep(
  3,
  'vxlan0',
  {
    vni: Number(vni),
    mtu: MTU,
    own: ground.peers.idOf(parseIp(local)),
    macHi: macHi(DEVICE_MAC),
    macLo: macLo(DEVICE_MAC),
    learning: true,
    neighbours: 'forward',
    reservedBits: 'drop',
    innerVlan: 'pass',
    pmtuReplies: true,
    ageing: 300_000_000_000,
    maxEntries: 0,
  },
  ground,
  underlay,
);
vtep.plug(bridge, bridge.attach(vtep));
vtep.floodTo([ground.peers.idOf(parseIp(remote))]);
demux.add(Number(vni), vtep);

const container = ground.host('', { name: 'container' });
const [outer, inner] = ground.veth('', 'veth0', 'eth0', 'container', MTU);
const dev = container.addInterface(inner, {
  name: 'eth0',
  mac: parseMac(mac),
  mtu: MTU,
  addresses: [{ ip: parseIp(host), prefix: Number(prefix) }],
});
inner.plug(container, dev.index);
outer.plug(bridge, bridge.attach(outer));

await underlay.open();
console.log('ready');

const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  const { sent, received, sendErrors } = underlay.counters;
  const { drops } = demux.counters.snapshot();
  console.log(JSON.stringify({ sent, received, sendErrors, accepted: vtep.counters.rxPackets, drops }));
});
lines.on('close', () => {
  container.close();
  clock.close();
  void underlay.close();
});
