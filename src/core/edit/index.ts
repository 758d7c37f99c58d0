// Captures in, captures out.

export type { DecapOptions } from './decap.ts';
export { Decap } from './decap.ts';
export type { EditCounts, Editor } from './editor.ts';
export type { EcnRule, EncapOptions } from './encap.ts';
export { Encap } from './encap.ts';
export { NO_INTERFACE, Outlet, SameInterfaces } from './outlet.ts';
export type { RewriteOptions } from './rewrite/rewrite.ts';
export { Rewrite } from './rewrite/rewrite.ts';
export type { Pairs } from './rewrite/substitutes.ts';
export { SOURCE_PORT_MAX, SOURCE_PORT_MIN, sourcePort } from './source-port.ts';
