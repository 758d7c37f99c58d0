// What is readable in a capture, whole processes beside one another: `vxlab eavesdrop`, tshark's credentials, ngrep. The file is
// made on the spot from conversations of the corpus, in tunnels, again and again with other ports and addresses, so that each is
// a conversation of its own; a third of its bytes is a download that nobody needs to read.
//
// VXLAB_BENCH_MB sets its size; 200 without. tshark is given a tenth of it, because it would take minutes; all are rates.

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PcapWriter } from '../../src/core/pcap/pcap-writer.ts';
import { AnyReader } from '../../src/core/pcap/reader.ts';
import { prependOuter } from './eavesdrop-outer.ts';
import type { Figure, Round } from './harness.ts';

const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
const MAIN: string = join(ROOT, 'dist/cli/main.js');
const MEGABYTE = 1_000_000;
const SIZE = Number(process.env['VXLAB_BENCH_MB'] ?? 200);

/** Log-ins, mails, queries and pages, and one long download. */
const CORPUS: readonly string[] = [
  ...['zeek/ftp_bruteforce.pcap', 'zeek/smtp.pcap', 'zeek/pop3_pop3.pcap', 'zeek/ldap_ldap-add.pcap'],
  ...['zeek/mysql_mysql.pcap', 'zeek/postgresql_greenhouse-app.pcap', 'zeek/http_cooper-grill-dvwa.pcapng'],
  ...['zeek/tls_tls1.2.pcap', 'zeek/tls_client-certificate.pcap', 'arkime/imap.pcap', 'ndpi/telnet.pcap'],
  ...['ndpi/http_auth.pcap', 'ndpi/smtp.pcap', 'arkime/http-content-gzip.pcap', 'zeek/http_proxy.pcap'],
].map((name) => `cleartext/${name}`);
const DOWNLOAD = 'docker-swarm/traffic-inner-vxlan0-mywebnw.pcap';

export function eavesdropFigures(): Figure[] {
  return [
    {
      name: `eavesdrop, ${SIZE} MB`,
      unit: 'MB/s',
      ours: timed(SIZE, process.execPath, MAIN, 'eavesdrop', '--fail-on', 'never'),
      peers: [
        {
          name: 'tshark -q -z credentials',
          round: peer('tshark', SIZE / 10, '-n', '-q', '-z', 'credentials', '-r'),
        },
        {
          name: "ngrep -q -i 'pass|user|auth'",
          round: peer('ngrep', SIZE, '-q', '-i', 'pass|user|auth', '-I'),
        },
      ],
    },
  ];
}

/** Peak memory of the process, from a small file to a large one. */
export function eavesdropMemoryReport(): void {
  for (const size of [SIZE / 2, SIZE * 5]) {
    const tell = "process.on('exit',()=>console.error('peak',process.resourceUsage().maxRSS))";
    const ran = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${tell}`, MAIN, 'eavesdrop', '--fail-on', 'never', fileOf(size)],
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    const [, peak = 'not known'] = /peak (\d+)/.exec(ran.stderr) ?? [];
    console.log(`eavesdrop, ${size} MB: peak ${Math.round(Number(peak) / 1024)} MB`);
  }
  removeEavesdropCaptures();
}

function peer(tool: string, size: number, ...args: readonly string[]): Round | null {
  // Both print their help and end.
  return spawnSync(tool, ['-h'], { stdio: 'ignore' }).error === undefined ? timed(size, tool, ...args) : null;
}

/** A round that runs a program over the file, which comes last, and throws its output away. */
function timed(size: number, command: string, ...args: readonly string[]): Round {
  return () => {
    const path = fileOf(size);
    const nowhere = openSync('/dev/null', 'w');
    const began = performance.now();
    const run = spawnSync(command, [...args, path], { stdio: ['ignore', nowhere, 'ignore'] });
    const elapsed = performance.now() - began;
    closeSync(nowhere);
    if (run.status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${run.status}`);
    return statSync(path).size / MEGABYTE / (elapsed / 1000);
  };
}

let folder: string | null = null;
const made: Map<number, string> = new Map();

/** The path of a file of so many megabytes, written when first asked for. */
function fileOf(size: number): string {
  const known = made.get(size);
  if (known !== undefined) return known;
  if (folder === null) {
    folder = mkdtempSync(join(tmpdir(), 'vxlab-eavesdrop-'));
    process.once('exit', removeEavesdropCaptures);
  }
  const path = join(folder, `${size}.pcap`);
  write(path, size * MEGABYTE);
  made.set(size, path);
  return path;
}

export function removeEavesdropCaptures(): void {
  if (folder !== null) rmSync(folder, { recursive: true });
  folder = null;
  made.clear();
}

function write(path: string, size: number): void {
  const file = openSync(path, 'w');
  const writer = new PcapWriter((bytes) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  });
  const talks = CORPUS.map(framesOf);
  const download = framesOf(DOWNLOAD);
  let written = 0;
  let downloaded = 0;
  let packets = 0;
  for (let round = 0; written < size; round++) {
    const isDownload = downloaded * 3 < written;
    const frames = isDownload ? download : (talks[round % talks.length] as readonly Uint8Array[]);
    for (const frame of frames) {
      const packet = prependOuter(frame, round);
      const view = new DataView(packet.buffer);
      const micros = 1_700_000_000_000_000 + packets++ * 5;
      writer.writePacket(
        0,
        Math.floor(micros / 1e6),
        (micros % 1e6) * 1000,
        view,
        0,
        packet.length,
        packet.length,
      );
      written += packet.length + 16;
      if (isDownload) downloaded += packet.length + 16;
    }
  }
  writer.flush();
  closeSync(file);
}

function framesOf(name: string): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const reader = new AnyReader((view, start, end) => {
    frames.push(new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice());
  });
  reader.push(new Uint8Array(readFileSync(join(ROOT, 'fixtures/captures', name))));
  reader.end();
  return frames;
}
