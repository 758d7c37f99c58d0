// Loads what scripts/assemble.ts has made of assembly/: a module in base64, over a memory of its own.

/** What this file needs of the global of that name, which every browser and Node have. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: object } },
  ) => { readonly exports: unknown };
};
declare function atob(text: string): string;

/** Bytes of a page. */
export const PAGE = 0x1_0000;

const compiled: Map<string, object> = new Map();

export interface Assembled<Exports> {
  /** Of full size from the beginning, because views of such a memory are lost when it grows; pages are given as they are touched. */
  readonly buffer: ArrayBuffer;
  readonly exports: Exports;
}

/**
 * An instance of its own.
 * @param code the module in base64; compiled once @param Exports what it exports, by name
 * @throws where there is no WebAssembly, not so much memory, or a machine that is not little-endian, as the memory is
 */
export function assembledFrom<Exports>(code: string, pages: number): Assembled<Exports> {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) throw new Error('the machine is big-endian');
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  let module = compiled.get(code);
  if (module === undefined) {
    module = new WebAssembly.Module(Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0)));
    compiled.set(code, module);
  }
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { buffer: memory.buffer, exports: exports as Exports };
}
