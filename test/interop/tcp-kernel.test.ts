// Our TCP against Linux's, as client and as server: a kernel VXLAN device in one network namespace with curl and Python's
// sockets, in the other an emulated host behind our VTEP on a real UDP socket. Kernel options as they come. Needs root;
// everything made here is taken away again.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canMakeNamespaces, NamespacePair, start } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';
import { streamBytes } from '../support/streams.ts';

const VNI = 4243;
const PORT = 24790;
const HOST4 = '10.98.0.2';
const KERNEL4 = '10.98.0.1';
const HOST6 = 'fd98::2';
const KERNEL6 = 'fd98::1';
const MAC = '02:42:0a:62:00:02';
const SIZE = 10_000_000;

interface Answer {
  readonly outcome: string | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly retransmits: number;
  readonly mss: number;
  readonly size: number;
}

/** The child process with our host: a line in, a line out. */
class OurHost {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(pair: NamespacePair, loss: number, address: string) {
    const script = fileURLToPath(new URL('tcp-host.ts', import.meta.url));
    const what = [
      '192.0.2.2',
      '192.0.2.1',
      String(PORT),
      String(VNI),
      address,
      MAC,
      String(loss),
      String(SIZE),
    ];
    this.#child = pair.startInB(process.execPath, '--import', 'tsx', script, ...what);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`our host ended with ${this.#child.exitCode}`);
    return value;
  }

  async ask(what: string): Promise<Answer> {
    this.#child.stdin.write(`${what}\n`);
    return JSON.parse(await this.line()) as Answer;
  }

  async end(): Promise<number | null> {
    const gone = once(this.#child, 'exit');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await gone;
    clearTimeout(killer);
    return this.#child.exitCode;
  }
}

/** What our host sends, whole. */
function content(): Buffer {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < SIZE; at += 50_000) pieces.push(streamBytes(1, at, Math.min(50_000, SIZE - at)));
  return Buffer.concat(pieces);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Servers of the kernel's: one connection each, then they end. What they saw comes on standard output. */
const TAKE = `
import socket, hashlib, sys
a, p = sys.argv[1:3]
s = socket.create_server((a, int(p)), family=socket.AF_INET6 if ':' in a else socket.AF_INET); print('ready', flush=True)
c, _ = s.accept(); c.settimeout(15); h = hashlib.sha256(); n = 0
while True:
    b = c.recv(65536)
    if not b: break
    h.update(b); n += len(b)
print(n, h.hexdigest(), flush=True); c.close()
`;
const GIVE = `
import socket, sys
a, p = sys.argv[1:3]
s = socket.create_server((a, int(p)), family=socket.AF_INET6 if ':' in a else socket.AF_INET); print('ready', flush=True)
c, _ = s.accept(); c.settimeout(15)
while c.recv(65536): pass
c.sendall(open(sys.argv[3], 'rb').read()); c.close()
`;
const RESET = `
import socket, struct, sys
a, p = sys.argv[1:3]
s = socket.create_server((a, int(p)), family=socket.AF_INET6 if ':' in a else socket.AF_INET); print('ready', flush=True)
c, _ = s.accept(); c.recv(1000)
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); c.close()
`;
/**
 * What ethtool -K DEV tx off tso off gso off does. A virtual cable leaves checksums and segmentation to a NIC that never comes, and our
 * socket gets the datagrams as they are.
 */
const NO_OFFLOAD = `
import array, fcntl, socket, struct, sys
for command in (0x17, 0x1f, 0x24):
    value = array.array('B', struct.pack('II', command, 0))
    fcntl.ioctl(socket.socket(), 0x8946, struct.pack('16sP', sys.argv[1].encode(), value.buffer_info()[0]))
`;
const CLIENT = `
import socket, sys
what, port, host = sys.argv[1], int(sys.argv[2]), sys.argv[3]
try:
    c = socket.create_connection((host, port), 10)
    if what == 'half':
        c.sendall(b'x' * 300000); c.shutdown(socket.SHUT_WR); n = 0
        while True:
            b = c.recv(65536)
            if not b: break
            n += len(b)
        print('back', n)
    if what == 'info':
        print('mss', c.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG), 'options', c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5] & 7)
    c.close()
except Exception as e:
    print(type(e).__name__)
`;

const here = canMakeNamespaces() && hasTool('curl') && hasTool('python3');

describe.skipIf(!here).each([
  { how: 'without loss', loss: 0, family: 4 },
  { how: 'with a loss of one in a hundred each way', loss: 0.01, family: 4 },
  { how: 'over IPv6, without loss', loss: 0, family: 6 },
  { how: 'over IPv6, with a loss of one in a hundred each way', loss: 0.01, family: 6 },
])("Linux's TCP, $how", ({ loss, family }) => {
  const [theirs, mine, prefix] = family === 4 ? [KERNEL4, HOST4, 24] : [KERNEL6, HOST6, 64];
  const url = family === 4 ? `http://${mine}/` : `http://[${mine}]/`;
  // 1450 less the headers of IP and TCP and the time stamps.
  const mss = family === 4 ? 1398 : 1378;
  let pair: NamespacePair | null = null;
  let ours: OurHost | null = null;
  let folder = '';
  const started: ChildProcessWithoutNullStreams[] = [];
  const file = (name: string): string => join(folder, name);
  const kernel = (command: string, ...args: string[]): string => {
    const done = (pair as NamespacePair).inA(command, ...args);
    if (!done.ok) throw new Error(`${command} ${args.join(' ')}: ${done.out} ${done.err}`);
    return done.out;
  };
  const host = (): OurHost => ours as OurHost;
  /** A server of the kernel's, which is ready when this returns; gives its lines. */
  const server = async (code: string, ...args: string[]): Promise<AsyncIterator<string>> => {
    const child = start('ip', [
      'netns',
      'exec',
      (pair as NamespacePair).a,
      'python3',
      '-c',
      code,
      theirs,
      ...args,
    ]);
    started.push(child);
    child.stderr.pipe(process.stderr);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    return lines;
  };

  /** Resolves when somebody of the kernel's listens on the port. */
  const listening = async (port: number): Promise<void> => {
    const open = (): boolean => kernel('ss', '-Hltn', `sport = :${port}`) !== '';
    for (let tries = 0; tries < 100 && !open(); tries++) await new Promise((done) => setTimeout(done, 50));
  };
  /** Resolves when the kernel has made sure that its IPv6 address is nobody else's. */
  const tentative = async (): Promise<void> => {
    const unsure = (): boolean => kernel('ip', '-6', 'addr', 'show', 'tentative') !== '';
    for (let tries = 0; tries < 100 && unsure(); tries++) await new Promise((done) => setTimeout(done, 50));
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vxlab-tcp-'));
    writeFileSync(file('content'), content());
    pair = new NamespacePair(`tcp${family}${loss === 0 ? '' : 'loss'}`);
    pair.vxlan('vx0', VNI, PORT, `${theirs}/${prefix}`);
    if (family === 6) await tentative();
    kernel('python3', '-c', NO_OFFLOAD, 'vx0');
    ours = new OurHost(pair, loss, `${mine}/${prefix}`);
    expect(await ours.line()).toBe('ready');
  }, 20_000);

  afterAll(async () => {
    try {
      if (ours !== null) expect(await ours.end()).toBe(0);
    } finally {
      for (const child of started) child.kill('SIGKILL');
      pair?.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 20_000);

  test('curl gets ten megabytes from us', () => {
    kernel('curl', '-sS', '--max-time', '18', '-o', file('got'), url);
    expect(statSync(file('got')).size).toBe(SIZE);
    expect(sha256(readFileSync(file('got')))).toBe(sha256(content()));
  }, 30_000);

  test('curl posts ten megabytes to us', () => {
    const said = kernel('curl', '-sS', '--max-time', '18', '--data-binary', `@${file('content')}`, url);
    expect(said).toBe(`${SIZE} ${sha256(content())}\n`);
  }, 30_000);

  test('we send ten megabytes to a server of its', async () => {
    const lines = await server(TAKE, '4001');
    const answer = await host().ask(`put ${theirs} 4001 ${SIZE}`);
    expect(answer.outcome).toBe(null);
    expect((await lines.next()).value).toBe(`${SIZE} ${sha256(content())}`);
    expect(answer.mss).toBe(mss);
    if (loss === 0) expect(answer.retransmits).toBe(0);
    else expect(answer.retransmits).toBeGreaterThan(10);
  }, 30_000);

  test('we get ten megabytes from a server of its, after we have ended', async () => {
    await server(GIVE, '4002', file('content'));
    const answer = await host().ask(`get ${theirs} 4002`);
    expect([answer.outcome, answer.bytes, answer.sha256]).toEqual([null, SIZE, sha256(content())]);
  }, 30_000);

  test('half close: what it sends before its end comes back after it', () => {
    expect(kernel('python3', '-c', CLIENT, 'half', '7', mine)).toBe('back 300000\n');
  }, 30_000);

  test('a port that is closed: refused, on both sides', async () => {
    expect(kernel('python3', '-c', CLIENT, 'none', '81', mine)).toBe('ConnectionRefusedError\n');
    expect((await host().ask(`get ${theirs} 4999`)).outcome).toBe('ECONNREFUSED');
  }, 30_000);

  test('a connection that it resets', async () => {
    await server(RESET, '4003');
    const answer = await host().ask(`put ${theirs} 4003 100000`);
    expect(['ECONNRESET', 'EPIPE']).toContain(answer.outcome);
  }, 30_000);

  test('time stamps, SACK and window scaling are agreed on, and the longest segments that fit', () => {
    expect(kernel('python3', '-c', CLIENT, 'info', '9', mine)).toBe(`mss ${mss} options 7\n`);
  }, 30_000);

  describe.skipIf(!hasTool('nc'))('nc', () => {
    test('talks to the echo', () => {
      expect(kernel('sh', '-c', `printf 'one\\ntwo\\n' | nc -N -w 5 ${mine} 7`)).toBe('one\ntwo\n');
    }, 30_000);

    test('sends us ten megabytes and gets them back', () => {
      kernel('sh', '-c', `nc -N -w 15 ${mine} 7 < ${file('content')} > ${file('back')}`);
      expect(sha256(readFileSync(file('back')))).toBe(sha256(content()));
    }, 30_000);

    test('listens, and we send it ten megabytes', async () => {
      const taker = start('ip', [
        ...['netns', 'exec', (pair as NamespacePair).a],
        ...['sh', '-c', `exec nc -l -N -w 15 ${theirs} 4004 > ${file('taken')} < /dev/null`],
      ]);
      started.push(taker);
      const gone = once(taker, 'exit');
      await listening(4004);
      expect((await host().ask(`put ${theirs} 4004 ${SIZE}`)).outcome).toBe(null);
      await gone;
      expect(sha256(readFileSync(file('taken')))).toBe(sha256(content()));
    }, 30_000);
  });

  test('many in a row leave nothing behind', async () => {
    for (let i = 0; i < 8; i++) kernel('python3', '-c', CLIENT, 'half', '7', mine);
    await new Promise((done) => setTimeout(done, 500));
    // Three listeners; what we opened or ended first may sit out its TIME-WAIT.
    const { size } = await host().ask('counters');
    expect(size).toBeLessThanOrEqual(3 + 8);
  }, 40_000);
});
