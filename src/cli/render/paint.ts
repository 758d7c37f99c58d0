// The few colours of the output, by what they mean.

import type picocolors from 'picocolors';
import type { Paint } from './diagnostic.ts';

/** Colours by name; each is the identity where there is no terminal. */
export type Colors = ReturnType<typeof picocolors.createColors>;

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
