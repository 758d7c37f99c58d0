// The few colours of the output, by what they mean.

import type { Colors } from 'picocolors/types';
import type { Paint } from './diagnostic.ts';

/** Colours for diagnostics. */
export function paintOf(colors: Colors): Paint {
  return {
    error: colors.red,
    warning: colors.yellow,
    note: colors.cyan,
    dim: colors.dim,
    bold: colors.bold,
  };
}
