// Live capture by libpcap, through the optional package cap. Packets are handed to a sink where they lie, as a reader does.
//
// libpcap runs in a process of its own (capture-process.ts), which this one starts, reads as a pcap stream and ends. Who takes
// packets slowly makes that process wait: then the kernel drops, and counts.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { PcapReader } from '../../core/pcap/pcap.ts';
import type { PacketSink } from '../../core/pcap/record.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { PROGRAM, processArguments } from '../programs.ts';
import type { CaptureTask, CaptureWord } from './capture-process.ts';

export interface LiveCaptureOptions {
  /**
   * In pcap-filter(7)'s language; '' (the default) takes everything. Of several the first that fits the interface's link type
   * is taken: not every one has VLANs or Ethernet addresses.
   */
  readonly filter?: string | readonly string[];
  /** Bytes that the kernel may hold back, up to 2^31 - 1; default 8 MiB. */
  readonly bufferBytes?: number;
}

const BUFFER_BYTES = 8 * 1024 * 1024;
/** Milliseconds for handing over the last packets after `stop`. */
const PATIENCE = 1000;

export class LiveCapture {
  readonly device: string;
  /** A number of the tcpdump group's registry. */
  readonly linkType: number;
  readonly snapLength: number;
  /** The capture filter that was taken. */
  readonly filter: string;
  readonly #started: Started;
  #reader: PcapReader | null = null;
  #stopped = false;
  #over = false;
  #late: NodeJS.Timeout | undefined;

  private constructor(device: string, filter: string, started: Started, opened: Opened) {
    this.device = device;
    this.#started = started;
    this.linkType = opened.linkType;
    this.snapLength = opened.snapLength;
    this.filter = filter;
  }

  /**
   * Opens an interface, promiscuously. The kernel holds packets back from now on; `run` takes them, and must be called.
   * @throws VxlabError CAPTURE_MISSING without cap or libpcap, CAPTURE_REFUSED without the privilege, NO_SUCH_INTERFACE,
   *   INTERFACE_DOWN, BAD_BPF
   */
  static async open(device: string, options: LiveCaptureOptions = {}): Promise<LiveCapture> {
    const { filter = '', bufferBytes = BUFFER_BYTES } = options;
    const filters = typeof filter === 'string' ? [filter] : filter;
    for (const [i, bpf] of filters.entries()) {
      // cap keeps a socket open whose filter it refused: each has a process of its own.
      const started = new Started({ device, filter: bpf, bufferBytes });
      const opened = await started.opened;
      if (opened !== null) return new LiveCapture(device, bpf, started, opened);
      await started.ended;
      const { refusal } = started;
      if (refusal === null) {
        throw new VxlabError('CAPTURE_REFUSED', `cannot capture on ${device}: ${started.lastWords}`);
      }
      if (refusal.code !== 'BAD_BPF' || i === filters.length - 1) throw refusal;
    }
    throw new VxlabError('BAD_BPF', 'there is no capture filter');
  }

  /** Packets handed over so far. */
  get packets(): number {
    return this.#reader?.packets ?? 0;
  }

  /** Packets that the kernel dropped so far for want of room; null when nobody can tell. Exact once `run` is over. */
  get drops(): number | null {
    return this.#started.drops;
  }

  /**
   * Hands packets to a sink until `stop`, or until the interface goes down. Call it once. Nothing is left behind, whatever the end.
   * @param between awaited after each handful of packets, at most some 50 ms after the first of them came
   * @throws VxlabError CAPTURE_ENDED when the interface goes down or away; whatever the sink and `between` throw
   */
  async run(sink: PacketSink, between: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
    const reader = new PcapReader(sink);
    this.#reader = reader;
    if (this.#over) reader.stop();
    try {
      for await (const chunk of this.#started.packets) {
        reader.push(chunk as Uint8Array);
        await between();
        if (reader.done) break;
      }
    } finally {
      this.#end();
      await this.#started.ended;
      clearTimeout(this.#late);
    }
    if (!this.#stopped) throw new VxlabError('CAPTURE_ENDED', this.#whyEnded());
  }

  /** Ends `run` when the packets that came until now are handed over. */
  stop(): void {
    this.#stopped = true;
    this.#end();
  }

  /** Ends `run` at once: no other packet is handed over. For a sink that has seen enough. */
  enough(): void {
    this.#over = true;
    this.#reader?.stop();
    this.stop();
  }

  #end(): void {
    this.#late ??= setTimeout(() => this.#started.kill(), PATIENCE);
    this.#started.finish();
  }

  /** cap ends its process with a failed assertion when its socket reports an error: when the interface goes down. */
  #whyEnded(): string {
    const { device } = this;
    const words = this.#started.lastWords;
    if (!/assertion/i.test(words)) return `the capture on ${device} ended: ${words}`;
    const gone = existsSync('/sys/class/net') && !existsSync(`/sys/class/net/${device}`);
    return `the capture on ${device} ended: the interface ${gone ? 'is gone' : 'went down'}`;
  }
}

type Opened = Extract<CaptureWord, { readonly linkType: number }>;

/** The process that was started, and what it has said. */
class Started {
  readonly packets: Readable;
  /** Null when it did not open the interface. */
  readonly opened: Promise<Opened | null>;
  /** Resolves when the process is gone and all its words are heard. */
  readonly ended: Promise<unknown>;
  drops: number | null = null;
  refusal: VxlabError | null = null;
  readonly #child: ChildProcess;
  readonly #input: Writable;
  #errors = '';
  #ending = '';

  constructor(task: CaptureTask) {
    // In a session of its own, Ctrl-C does not reach it: it ends when its standard input does.
    const child = spawn(process.execPath, [...processArguments(PROGRAM.capture), JSON.stringify(task)], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    const [input, packets, errors, words] = child.stdio as unknown as [
      Writable,
      Readable,
      Readable,
      Readable,
    ];
    this.#input = input;
    this.packets = packets;
    input.on('error', () => undefined);
    errors.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-1000);
    });
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#ending = error.message;
        resolve(null);
      });
      child.once('close', (code, signal) => {
        this.#ending = `its process ended with ${signal ?? code}`;
        resolve(null);
      });
    });
    this.opened = new Promise((resolve) => {
      const take = (word: CaptureWord): void => {
        if ('linkType' in word) resolve(word);
        else if ('drops' in word) this.drops = word.drops;
        else this.refusal = new VxlabError(word.refused.code, word.refused.message);
      };
      let rest = '';
      words.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() as string;
        for (const line of lines) take(JSON.parse(line) as CaptureWord);
      });
      // One that opens nothing writes no packets: without a reader its output never ends.
      words.once('end', () => {
        resolve(null);
        packets.resume();
      });
      void this.ended.then(() => resolve(null));
    });
  }

  /** The last line on standard error that is no warning, else how the process ended. */
  get lastWords(): string {
    const lines = this.#errors.trim().split('\n');
    return lines.findLast((line) => line !== '' && !line.startsWith('Warning:')) ?? this.#ending;
  }

  finish(): void {
    this.#input.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
