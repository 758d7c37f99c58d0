// This package's version and folder, from its own package.json.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's folder: two above this file, from src/ as from dist/. */
export const PACKAGE_ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
