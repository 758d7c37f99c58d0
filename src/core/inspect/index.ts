// The `vxlab/inspect` subpath: packets taken apart, named and shown.

export type { Verdict } from './checksums.ts';
export { CHECKSUM, checksumVerdict, isOffloaded } from './checksums.ts';
export type { ChecksumNote, FieldNode, LayerNode, PacketTree } from './dissect.ts';
export { eachField, placeOf, protocols, tree } from './dissect.ts';
export type { Emit, FieldSpec, FieldType, FieldValue, LayerSpec, Place } from './field.ts';
export { readField, valueText } from './field.ts';
export { trailerStart } from './fields-link.ts';
export type { HexMark, HexRow, RowMark } from './hexdump.ts';
export { fieldMarks, hexdump, hexRows, layerMarks } from './hexdump.ts';
export type { LayerKind } from './layer.ts';
export {
  BOUND,
  BOUND_NAMES,
  Dissection,
  L,
  LAYER_FLAG,
  LAYER_PROTOCOLS,
  LAYERS_MAX,
  reportFault,
} from './layer.ts';
export type { WalkSettings } from './ports.ts';
export { DEFAULT_WALK, DEPTH_DEFAULT, WalkOptions } from './ports.ts';
export type { FieldPlace } from './registry.ts';
export { FIELDS, layerSpec } from './registry.ts';
export type { Summary } from './summary.ts';
export { summarize, summaryLine } from './summary.ts';
export { dissect, LINK_TYPE } from './walk.ts';
