// An emulated host behind a live VTEP that takes and gives bytes over TCP: the sink is port 9, the source port 19 (RFC 863, RFC 864).
// Run as a program:
//
//   tsx vtep-host.ts BACKEND LOCAL REMOTE VNI HOST/PREFIX MAC      says "ready" when its sockets are open; ends at SIGTERM

import { fileURLToPath } from 'node:url';
import { parseMac } from '../../src/core/wire/address.ts';
import { VXLAN_PORT } from '../../src/core/wire/numbers.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import type { Host } from '../../src/engine/host/host.ts';
import type { TcpEvents, TcpSocket } from '../../src/engine/host/tcp/socket.ts';
import { parseCidr } from '../../src/engine/ipam/cidr.ts';
import { inlineMore } from '../../src/live/inlining.ts';
import type { Backend } from '../../src/live/underlay/underlay-config.ts';
import { LiveVtep } from '../../src/live/vtep/live-vtep.ts';
import { plainConfig } from './vtep-plain.ts';

/** The file to run. */
export const HOST: string = fileURLToPath(import.meta.url);
export const SINK_PORT = 9;
export const SOURCE_PORT = 19;

/** Reads all there is; ends when the other ends. */
class Sink implements TcpEvents {
  socket: TcpSocket | null = null;
  readonly #into: Uint8Array;

  constructor(into: Uint8Array) {
    this.#into = into;
  }

  connected(): void {}

  readable(): void {
    while ((this.socket?.read(this.#into) ?? 0) > 0);
  }

  writable(): void {}

  ended(): void {
    this.readable();
    this.socket?.end();
  }

  closed(): void {}
}

/** Writes as long as there is somebody. */
class Source extends Sink {
  readonly #bytes: Uint8Array = new Uint8Array(65_536).fill(0x5a);

  override writable(): void {
    while (this.socket?.write(this.#bytes) === this.#bytes.length);
  }
}

function serve(host: Host, port: number, end: () => Sink): void {
  const listener = host.tcp.listen(port, {
    acceptable: () => {
      for (;;) {
        const one = end();
        const socket = listener.accept(one);
        if (socket === null) return;
        one.socket = socket;
        one.readable();
        one.writable();
      }
    },
  });
}

async function run(
  backend: Backend,
  local: string,
  remote: string,
  vni: number,
  address: string,
  mac: string,
): Promise<void> {
  const { ip, prefix } = parseCidr(address);
  const hosts = [{ ip, prefix, mac: parseMac(mac) }];
  const segment = {
    vni,
    remotes: [parseIp(remote)],
    group: null,
    hosts,
    attach: [],
    fdb: [],
    neighbours: [],
  };
  const live = new LiveVtep(plainConfig(backend, local, VXLAN_PORT, [segment]));
  const into = new Uint8Array(65_536);
  const host = live.segments[0]?.hosts[0] as Host;
  serve(host, SINK_PORT, () => new Sink(into));
  serve(host, SOURCE_PORT, () => new Source(into));
  await live.open();
  process.once('SIGTERM', () => void live.close());
  console.log('ready');
}

if (process.argv[1] === HOST) {
  inlineMore();
  const [backend = 'auto', local = '', remote = '', vni = '', address = '', mac = ''] = process.argv.slice(2);
  await run(backend as Backend, local, remote, Number(vni), address, mac);
}
