// The `vxlab/inspect` subpath: packets taken apart, named and shown.

export type { Verdict } from '../dissect/checksums.ts';
export { CHECKSUM, checksumVerdict, isOffloaded } from '../dissect/checksums.ts';
export type { LayerKind } from '../dissect/layer.ts';
export {
  BOUND,
  BOUND_NAMES,
  Dissection,
  L,
  LAYER_FLAG,
  LAYER_PROTOCOLS,
  LAYERS_MAX,
  reportFault,
} from '../dissect/layer.ts';
export type { WalkSettings } from '../dissect/ports.ts';
export { DEFAULT_WALK, DEPTH_DEFAULT, WalkOptions } from '../dissect/ports.ts';
export { dissect, LINK_TYPE } from '../dissect/walk.ts';
export type { Emit, FieldSpec, FieldType, FieldValue, LayerSpec, Place } from './field.ts';
export { readField, valueText } from './field.ts';
export { trailerStart } from './fields-link.ts';
export type { HexMark, HexRow, RowMark } from './hexdump.ts';
export { fieldMarks, hexdump, hexRows, layerMarks, shortFieldMarks } from './hexdump.ts';
export type { FieldPlace } from './registry.ts';
export { FIELDS, layerSpec } from './registry.ts';
export type { Summary } from './summary.ts';
export { summarize, summaryLine } from './summary.ts';
export type { ChecksumNote, FieldNode, LayerNode, PacketTree } from './tree.ts';
export { eachField, placeOf, protocols, tree } from './tree.ts';
