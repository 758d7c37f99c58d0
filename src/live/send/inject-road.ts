// Frames onto an interface through libpcap, by the optional package cap: for where koffi is not, and for systems other than Linux.
// libpcap sends in a process of its own (inject-process.ts), which reads the packets as a pcap stream.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { LINKTYPE } from '../../core/pcap/linktype.ts';
import { PcapWriter } from '../../core/pcap/pcap-writer.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { PROGRAM, processArguments } from '../programs.ts';
import type { InjectOutcome, InjectTask, InjectWord } from './inject-process.ts';
import type { SendInterface } from './interface.ts';
import { roomOn } from './packet-road.ts';
import type { Memory, Road, RoadCounters } from './road.ts';
import { fail, noneSent } from './road.ts';

/** Longer packets the process has no room for. */
const PACKET_MAX = 0x1_0000;
/** Bytes on their way to it before `ready` makes the sender wait: little, so that packets leave when they should. */
const WAITING_MAX = 0x1_0000;

export class InjectRoad implements Road {
  readonly means = 'cap';
  readonly counters: RoadCounters = noneSent();
  readonly room: number;
  took = 0;
  broken: VxlabError | null = null;
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #writer: PcapWriter;
  readonly #least: number;
  readonly #name: string;
  readonly #ended: Promise<void>;
  /** What the process said of the packets at its end. */
  readonly #outcome: () => InjectOutcome | null;
  #finished = false;

  private constructor(
    iface: SendInterface,
    child: ChildProcess,
    ended: Promise<void>,
    outcome: () => InjectOutcome | null,
  ) {
    this.#outcome = outcome;
    this.#name = iface.name;
    this.room = Math.min(PACKET_MAX, roomOn(iface));
    this.#least = iface.begins === 'ip' ? 1 : ethernet.HEADER_LEN;
    this.#child = child;
    this.#ended = ended;
    this.#input = child.stdin as Writable;
    this.#input.on('error', () => this.#gone());
    child.once('exit', () => this.#gone());
    const linkType = iface.begins === 'ip' ? LINKTYPE.raw : LINKTYPE.ethernet;
    this.#writer = new PcapWriter((bytes) => void this.#input.write(bytes), { linkType });
  }

  /** @throws VxlabError BACKEND_MISSING without cap, BACKEND_REFUSED without the privilege */
  static async open(iface: SendInterface): Promise<InjectRoad> {
    const task: InjectTask = { device: iface.name };
    // In a session of its own, Ctrl-C does not reach it: it ends when its standard input does.
    const child = spawn(process.execPath, [...processArguments(PROGRAM.inject), JSON.stringify(task)], {
      stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let outcome: InjectOutcome | null = null;
    let refusal = new VxlabError(
      'BACKEND_REFUSED',
      `the process that sends onto ${iface.name} did not start`,
    );
    const words = child.stdio[3] as Readable;
    const ended = new Promise<void>((resolve) => {
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    });
    const open = new Promise<boolean>((resolve) => {
      let rest = '';
      words.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() as string;
        for (const line of lines) {
          const word = JSON.parse(line) as InjectWord;
          if ('opened' in word) resolve(true);
          else if ('refused' in word) refusal = new VxlabError(word.refused.code, word.refused.message);
          else outcome = word;
        }
      });
      void ended.then(() => resolve(false));
    });
    if (!(await open)) throw refusal;
    return new InjectRoad(iface, child, ended, () => outcome);
  }

  send({ view }: Memory, start: number, end: number): void {
    if (end - start < this.#least) return fail(this.counters, 'tooShort');
    this.#writer.writePacket(0, 0, 0, view, start, end, end - start);
    this.counters.sent++;
    this.counters.bytes += end - start;
  }

  flush(): void {
    this.#writer.flush();
  }

  ready(): Promise<void> | null {
    if (this.#input.writableLength < WAITING_MAX || this.#input.destroyed) return null;
    return new Promise((resolve) => {
      const go = (): void => {
        this.#input.off('drain', go).off('close', go);
        resolve();
      };
      this.#input.on('drain', go).on('close', go);
    });
  }

  async settle(): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    this.#writer.flush();
    this.#input.end();
    await this.#ended;
    const outcome = this.#outcome();
    // One that was killed says nothing.
    this.#tell(outcome ?? { sent: 0, bytes: 0, waits: 0, failed: [], down: true, took: 0 });
  }

  async close(): Promise<void> {
    await this.settle();
    this.#child.removeAllListeners();
  }

  /** Its numbers take the place of what was handed to it. */
  #tell({ sent, bytes, waits, failed, down, took }: InjectOutcome): void {
    this.took = took;
    const { counters } = this;
    const lost = [...failed].reduce((rest, [, count]) => rest - count, counters.sent - sent);
    counters.sent = sent;
    counters.bytes = bytes;
    counters.waits = waits;
    for (const [reason, count] of failed) fail(counters, reason, count);
    if (lost > 0) fail(counters, 'interfaceDown', lost);
    if (down) this.broken = new VxlabError('INTERFACE_DOWN', `the interface ${this.#name} went down`);
  }

  #gone(): void {
    if (this.#finished) return;
    this.broken ??= new VxlabError('INTERFACE_DOWN', `the interface ${this.#name} went down or away`);
  }
}
