// A backend of a live VTEP as an echo: each datagram goes back to its sender's VTEP port as it came. What the backend takes and
// gives by itself, beside peers/udp-echo.c, with no bridge, FDB or attachment behind it. Run as a program:
//
//   tsx vtep-echo.ts BACKEND LOCAL REMOTE PORT      says "ready" when its sockets are open; ends at SIGTERM

import { fileURLToPath } from 'node:url';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import type { TunnelReceiver } from '../../src/engine/fabric/underlay.ts';
import { Ground } from '../../src/engine/orchestrate/ground.ts';
import { Counters } from '../../src/engine/trace/counters.ts';
import { deviceOf, underlayMtu } from '../../src/live/kernel/underlay-device.ts';
import { openBackend } from '../../src/live/underlay/backends.ts';
import type { Backend } from '../../src/live/underlay/underlay-config.ts';
import { Admission } from '../../src/live/vtep/admission.ts';
import { WallClock } from '../../src/live/wall-clock.ts';
import { plainConfig } from './vtep-plain.ts';

/** The file to run. */
export const ECHO: string = fileURLToPath(import.meta.url);

async function echo(backend: Backend, localText: string, remote: string, port: number): Promise<void> {
  const local = parseIp(localText);
  const config = plainConfig(backend, localText, port, []);
  const clock = new WallClock();
  const ground = new Ground(clock, 1);
  const device = deviceOf(local);
  const door = new Admission(ground.peers, new Counters(), {
    own: local,
    known: [parseIp(remote)],
    accept: [],
    acceptAny: false,
  });
  const receiver: TunnelReceiver = {
    input: (frame, peer, tos) => underlay.sendTo(peer, 0, tos, frame),
  };
  const site = { ground, clock, receiver, door, watch: null, device, mtu: underlayMtu(device) };
  const { underlay } = openBackend(config, site);
  await underlay.open();
  process.once('SIGTERM', () => {
    void underlay.close().then(() => clock.close());
  });
  console.log('ready');
}

if (process.argv[1] === ECHO) {
  const [backend = 'auto', local = '', remote = '', port = ''] = process.argv.slice(2);
  await echo(backend as Backend, local, remote, Number(port));
}
