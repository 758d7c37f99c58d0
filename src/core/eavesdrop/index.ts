// The `vxlab/eavesdrop` subpath: what can be read in a capture, by conversation.

export type { EavesdropOptions } from './eavesdropper.ts';
export { Eavesdropper } from './eavesdropper.ts';
export type { Inflate, Packing } from './inflate.ts';
export type { EavesdropLimits } from './limits.ts';
export type { Claim, Protocol, Reader, Side, Speech, Talk } from './reader.ts';
export type { Place, Reading, ReadingKind } from './reading.ts';
export type { Conversation, EavesdropReport, Host, LimitHit, Opacity, Sealed, Speaker } from './report.ts';
