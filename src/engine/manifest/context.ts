// What every check of a manifest carries along.

import type { Diagnostics } from '../model/diagnostic.ts';
import type { Variables } from './interpolate.ts';
import type { RecordShape } from './shape.ts';

export interface CheckContext {
  readonly found: Diagnostics;
  /** The dialect's minor version of v3. */
  readonly minor: number;
  readonly variables: Variables;
}

/** The records on the way down to a node, outermost first. */
export type Ancestors = readonly RecordShape[];
