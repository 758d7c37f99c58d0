// The files of `vxlab split`: as many as there are groups, of which a bounded number hold a writer's buffer at a time. No file
// stays open: what a writer has gathered is appended, so that ten thousand VNIs need no ten thousand descriptors.
//
// A file whose buffer another needed gets a new one when its next packet comes. Its new writer declares the same interfaces again,
// and what it says about them is passed over: it stands in the file already.

import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Outlet } from '../../core/edit/outlet.ts';
import type { InterfaceOptions } from '../../core/pcap/pcapng-writer.ts';
import type { CaptureFormat, CaptureReader, PacketMeta } from '../../core/pcap/record.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import type { OutputArguments } from './run.ts';
import { Outputs, sameFile } from './run.ts';

/** Files that hold a buffer at a time: 256 KiB each. */
const BUFFERS = 64;

export class SplitFiles extends Outputs {
  readonly #files: SplitFile[] = [];
  /** Files with a buffer, the one that was written to last at the end. */
  readonly #active: Set<SplitFile> = new Set();
  readonly #io: Io;
  readonly #input: string;

  constructor(io: Io, given: OutputArguments, input: string) {
    super(io, given, [input]);
    if (given.output === '-')
      throw usage('split writes several captures: -o names a folder or a pattern with %s');
    this.#io = io;
    this.#input = input;
  }

  /** The file of a group; `name` is what it is called. Its first bytes make it, with the folders on the way. */
  file(name: string, source: CaptureReader): SplitFile {
    const { output, format } = this.given;
    const path = output.includes('%s')
      ? output.replaceAll('%s', name)
      : `${output.replace(/\/+$/, '')}/${name}.${format ?? 'pcapng'}`;
    const absolute = resolve(this.#io.cwd, path);
    if (this.#input !== '-' && sameFile(absolute, resolve(this.#io.cwd, this.#input))) {
      throw usage(`${path} is the capture that is read; write elsewhere`);
    }
    const kind = format ?? (/\.(pcap|cap|dmp)$/i.test(path) ? 'pcap' : 'pcapng');
    const file = new SplitFile(path, absolute, kind, source);
    this.#files.push(file);
    return file;
  }

  /** Writes a packet as it is. */
  write(file: SplitFile, view: DataView, meta: PacketMeta, start: number, end: number): void {
    this.#active.delete(file);
    this.#active.add(file);
    if (this.#active.size > BUFFERS) {
      const [oldest] = this.#active;
      if (oldest !== undefined) {
        oldest.rest();
        this.#active.delete(oldest);
      }
    }
    file.write(view, meta, start, end);
  }

  override get packets(): number {
    return this.#files.reduce((sum, { packets }) => sum + packets, 0);
  }

  override get refused(): number {
    return this.#files.reduce((sum, { refused }) => sum + refused, 0);
  }

  override flush(): void {
    for (const file of this.#active) file.rest();
    this.#active.clear();
  }

  override report(): { name: string; format: CaptureFormat; packets: number; bytes: number }[] {
    return this.#files
      .map(({ name, format, packets, bytes }) => ({ name, format, packets, bytes }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

export class SplitFile {
  readonly name: string;
  readonly format: CaptureFormat;
  bytes = 0;
  readonly #path: string;
  readonly #source: CaptureReader;
  #outlet: Outlet | null = null;
  #packets = 0;
  #refused = 0;
  /** True while a new writer repeats what the file says already. */
  #repeating = false;
  /** The interfaces that were declared, and their numbers by the source's. */
  readonly #declared: InterfaceOptions[] = [];
  readonly #numbers: number[] = [];

  constructor(name: string, path: string, format: CaptureFormat, source: CaptureReader) {
    this.name = name;
    this.#path = path;
    this.format = format;
    this.#source = source;
  }

  get packets(): number {
    return this.#packets + (this.#outlet?.packets ?? 0);
  }

  get refused(): number {
    return this.#refused + (this.#outlet?.refused ?? 0);
  }

  write(view: DataView, meta: PacketMeta, start: number, end: number): void {
    const outlet = this.#outlet ?? this.#begin();
    const iface = this.#numbers[meta.interfaceId] ?? this.#declare(outlet, meta);
    outlet.write(iface, view, meta, view, start, end, meta.originalLength);
  }

  /** Appends what is held, and lets go of the buffer. */
  rest(): void {
    const outlet = this.#outlet;
    if (outlet === null) return;
    outlet.flush();
    this.#packets += outlet.packets;
    this.#refused += outlet.refused;
    this.#outlet = null;
  }

  #begin(): Outlet {
    const outlet = new Outlet((bytes) => this.#append(bytes), this.format);
    this.#outlet = outlet;
    if (this.bytes === 0) return outlet;
    this.#repeating = true;
    for (const options of this.#declared) outlet.open(options);
    outlet.flush();
    this.#repeating = false;
    return outlet;
  }

  #declare(outlet: Outlet, { interfaceId, linkType }: PacketMeta): number {
    const was = this.#source.interfaces[interfaceId];
    const options: InterfaceOptions = {
      linkType,
      name: was?.name ?? '',
      description: was?.description ?? '',
      comment: was?.comments.join('\n') ?? '',
    };
    const number = outlet.open(options);
    this.#declared.push(options);
    this.#numbers[interfaceId] = number;
    return number;
  }

  #append(bytes: Uint8Array): void {
    if (this.#repeating) return;
    try {
      if (this.bytes > 0) appendFileSync(this.#path, bytes);
      else {
        mkdirSync(dirname(this.#path), { recursive: true });
        writeFileSync(this.#path, bytes);
      }
    } catch (error) {
      throw new VxlabError('CAPTURE_UNWRITABLE', `cannot write ${this.name}: ${(error as Error).message}`);
    }
    this.bytes += bytes.length;
  }
}
