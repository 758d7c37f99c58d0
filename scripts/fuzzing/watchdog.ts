// Ends the process when one input runs for ever: a second thread looks at a counter that the first counts up with every input.
//
// The thread that hangs cannot tell what it was given, so each input is copied into memory that both share before it runs. When
// the counter has stood still for PATIENCE the input becomes a find, and the process is killed.

import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { FOUND } from './corpus.ts';
import { saveFound } from './found.ts';
import type { Input, ScenePacket } from './input.ts';
import { WALKS } from './input.ts';

const PATIENCE = 20_000;
const ROOM = 8 * 1024 * 1024;
/** In the shared memory: the counter, the kind of input, how many packets, then the packets or bytes. */
const HEAD = 16;
const KIND = { none: 0, scene: 1, file: 2, text: 3 } as const;

/** A worker has no loader of TypeScript until it asks for one. */
const HERE = JSON.stringify(import.meta.url);
const BEGIN = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${HERE}, ${HERE}))`;

export class Watchdog {
  readonly #shared: SharedArrayBuffer = new SharedArrayBuffer(ROOM);
  readonly #view: DataView = new DataView(this.#shared);
  readonly #bytes: Uint8Array = new Uint8Array(this.#shared);
  readonly #counter: Int32Array = new Int32Array(this.#shared, 0, 1);
  readonly #worker: Worker;

  constructor() {
    this.#worker = new Worker(BEGIN, { eval: true, workerData: this.#shared });
    this.#worker.unref();
  }

  /** Says what runs from now on. */
  watch(input: Input): void {
    let at = HEAD;
    const put = (bytes: Uint8Array): void => {
      const length = Math.min(bytes.length, ROOM - at - 4);
      this.#view.setUint32(at, length);
      this.#bytes.set(bytes.subarray(0, length), at + 4);
      at += 4 + length;
    };
    if (input.kind === 'scene') {
      this.#view.setUint16(4, KIND.scene);
      this.#view.setUint16(6, WALKS.indexOf(input.walk));
      let count = 0;
      for (const { bytes, linkType, original, seconds, nanos } of input.packets) {
        if (at + 32 + bytes.length > ROOM) break;
        for (const [i, value] of [linkType, original, seconds, nanos].entries())
          this.#view.setFloat64(at + 8 * i, value);
        at += 32;
        put(bytes);
        count++;
      }
      this.#view.setUint32(8, count);
    } else {
      this.#view.setUint16(4, KIND[input.kind]);
      put(input.kind === 'file' ? input.bytes : new TextEncoder().encode(input.text));
    }
    Atomics.add(this.#counter, 0, 1);
  }

  /** Nothing runs. */
  rest(): void {
    this.#view.setUint16(4, KIND.none);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

function guard(shared: SharedArrayBuffer): void {
  const counter = new Int32Array(shared, 0, 1);
  const view = new DataView(shared);
  let last = 0;
  setInterval(() => {
    const now = Atomics.load(counter, 0);
    const input = inputOf(shared, view);
    if (now !== last || input === null) {
      last = now;
      return;
    }
    const path = saveFound(FOUND, `endless-${now >>> 0}`, input, [
      `ran for more than ${PATIENCE / 1000} s and did not end`,
    ]);
    process.stderr.write(`an input does not end: ${path}\n`);
    process.kill(process.pid, 'SIGKILL');
  }, PATIENCE);
}

function inputOf(shared: SharedArrayBuffer, view: DataView): Input | null {
  let at = HEAD;
  const take = (): Uint8Array => {
    const length = view.getUint32(at);
    const bytes = new Uint8Array(shared, at + 4, length).slice();
    at += 4 + length;
    return bytes;
  };
  switch (view.getUint16(4)) {
    case KIND.scene: {
      const packets: ScenePacket[] = [];
      for (let i = view.getUint32(8); i > 0; i--) {
        const [linkType, original, seconds, nanos] = [0, 8, 16, 24].map((o) => view.getFloat64(at + o)) as [
          number,
          number,
          number,
          number,
        ];
        at += 32;
        packets.push({ linkType, original, seconds, nanos, bytes: take() });
      }
      return { kind: 'scene', walk: WALKS[view.getUint16(6)] ?? 'default', packets };
    }
    case KIND.file:
      return { kind: 'file', bytes: take() };
    case KIND.text:
      return { kind: 'text', text: new TextDecoder().decode(take()) };
    default:
      return null;
  }
}

if (!isMainThread && workerData instanceof SharedArrayBuffer) guard(workerData);
