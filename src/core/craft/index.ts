// The `vxlab/craft` subpath: frames from layers, outermost first.

export { craft, FRAME_MAX, LAYER_KINDS, layer } from './craft.ts';
export type { FieldKind, FieldValue } from './field.ts';
export type { Announced, Layer, LayerKind } from './layer.ts';
