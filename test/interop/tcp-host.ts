// One VTEP with one emulated host behind it on a real UDP socket, whose TCP serves and fetches: what a test runs in a network
// namespace of its own.
//
//   npx tsx tcp-host.ts LOCAL REMOTE PORT VNI HOST/PREFIX MAC LOSS [BYTES]
//
// The host serves HTTP on 80 (GET gives BYTES pseudo-random bytes, POST answers with the length and SHA-256 of the body), an echo on
// 7, a sink on 9 and nothing on 81. The cable between the host and its bridge loses LOSS of the frames each way. Prints `ready`; then
// answers each line on standard input with a JSON line:
//
//   get IP PORT              opens a connection, ends its own side, reads to the end: { bytes, sha256, outcome }
//   put IP PORT BYTES        sends so many bytes, ends, waits for the other's end: { outcome, sha256, retransmits }
//   counters                 { size, retransmits, mss }

import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { macHi, macLo, parseMac } from '../../src/core/wire/address.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import { Bridge } from '../../src/engine/fabric/bridge.ts';
import { impairments } from '../../src/engine/fabric/impair.ts';
import { LinkEnd, link } from '../../src/engine/fabric/link.ts';
import { VniDemux } from '../../src/engine/fabric/vni-demux.ts';
import { Vtep } from '../../src/engine/fabric/vtep.ts';
import type { TcpEvents, TcpSocket } from '../../src/engine/host/tcp/socket.ts';
import { Ground } from '../../src/engine/orchestrate/ground.ts';
import { MICROSECOND } from '../../src/engine/time/clock.ts';
import { UdpUnderlay } from '../../src/live/underlay/udp-underlay.ts';
import { WallClock } from '../../src/live/wall-clock.ts';
import { streamBytes } from '../support/streams.ts';

const [local = '', remote = '', port = '', vni = '', address = '', mac = '', loss = '0', size = '10000000'] =
  process.argv.slice(2);
const [ip = '', prefix = '24'] = address.split('/');
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

const host = ground.host('', { name: 'container' });
const [outer, inner] = ['outer', 'inner'].map(
  (name, i) => new LinkEnd(10 + i, name, MTU, ground, ground.random.stream(`cable/${name}`)),
) as [LinkEnd, LinkEnd];
link(outer, inner);
for (const end of [outer, inner]) end.impair(impairments({ delay: 50 * MICROSECOND, loss: Number(loss) }));
const dev = host.addInterface(inner, {
  name: 'eth0',
  mac: parseMac(mac),
  mtu: MTU,
  addresses: [{ ip: parseIp(ip), prefix: Number(prefix) }],
});
inner.plug(host, dev.index);
outer.plug(bridge, bridge.attach(outer));

/** Sends from a source as room comes; counts and hashes what is read. */
class End implements TcpEvents {
  socket: TcpSocket | null = null;
  readonly hash = createHash('sha256');
  bytes = 0;
  onData: ((chunk: Uint8Array) => void) | null = null;
  onEnd: (() => void) | null = null;
  onClosed: ((error: string | null) => void) | null = null;
  #waiting: Uint8Array[] = [];
  #over = false;
  readonly #into = new Uint8Array(65_536);

  /** Takes bytes to send, all of them sooner or later. */
  send(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.writable();
  }

  end(): void {
    this.#over = true;
    this.writable();
  }

  connected(): void {
    this.writable();
  }

  writable(): void {
    const { socket } = this;
    if (socket === null) return;
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const took = socket.write(next);
      if (took < next.length) {
        this.#waiting[0] = next.subarray(took);
        return;
      }
      this.#waiting.shift();
    }
    if (this.#over) socket.end();
  }

  readable(): void {
    for (let n = this.socket?.read(this.#into) ?? 0; n > 0; n = this.socket?.read(this.#into) ?? 0) {
      const chunk = this.#into.slice(0, n);
      this.bytes += n;
      this.hash.update(chunk);
      this.onData?.(chunk);
    }
  }

  ended(): void {
    this.readable();
    this.onEnd?.();
  }

  closed(error: string | null): void {
    this.readable();
    this.onClosed?.(error);
  }
}

function* pieces(total: number): Generator<Uint8Array> {
  for (let at = 0; at < total; at += 50_000) yield streamBytes(1, at, Math.min(50_000, total - at));
}

function serve(portNumber: number, each: (end: End) => void): void {
  const listener = host.tcp.listen(portNumber, {
    acceptable: () => {
      for (;;) {
        const end = new End();
        const socket = listener.accept(end);
        if (socket === null) return;
        end.socket = socket;
        each(end);
        end.readable();
      }
    },
  });
}

function http(end: End): void {
  let head = '';
  let left = -1;
  const body = createHash('sha256');
  let length = 0;
  end.onData = (chunk) => {
    let rest = chunk;
    if (left < 0) {
      head += Buffer.from(chunk).toString('latin1');
      const stop = head.indexOf('\r\n\r\n');
      if (stop < 0) return;
      rest = Buffer.from(head.slice(stop + 4), 'latin1');
      if (/^expect: *100-continue/im.test(head)) end.send(Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'));
      if (head.startsWith('GET')) {
        end.send(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`));
        for (const piece of pieces(Number(size))) end.send(piece);
        return end.end();
      }
      left = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    }
    body.update(rest);
    length += rest.length;
    left -= rest.length;
    if (left > 0) return;
    const text = `${length} ${body.digest('hex')}\n`;
    end.send(
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`),
    );
    end.end();
  };
  end.onEnd = () => end.end();
}

serve(80, http);
serve(7, (end) => {
  end.onData = (chunk) => end.send(chunk);
  end.onEnd = () => end.end();
});
serve(9, (end) => {
  end.onEnd = () => end.end();
});

await underlay.open();
console.log('ready');

function run(line: string): void {
  const [verb, to = '', toPort = '', count = '0'] = line.split(' ');
  if (verb === 'counters') {
    console.log(
      JSON.stringify({ size: host.tcp.size, retransmits: host.tcp.retransmits, waiting: ground.pool.out }),
    );
    return;
  }
  const end = new End();
  end.onClosed = (outcome) => {
    const { retransmits = 0, mss = 0 } = end.socket?.info() ?? {};
    console.log(
      JSON.stringify({ outcome, bytes: end.bytes, sha256: end.hash.digest('hex'), retransmits, mss }),
    );
  };
  end.socket = host.tcp.connect(parseIp(to), Number(toPort), end);
  if (verb === 'put') for (const piece of pieces(Number(count))) end.send(piece);
  end.end();
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  clock.tick();
  run(line);
});
lines.on('close', () => {
  host.close();
  clock.close();
  void underlay.close();
});
