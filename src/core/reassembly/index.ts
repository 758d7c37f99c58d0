// The `vxlab/reassembly` subpath: packets with the datagrams that they complete.

export type { ReassemblyLimits } from './limits.ts';
export type { Part } from './sight.ts';
export { Sight } from './sight.ts';
