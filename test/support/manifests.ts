// The stacks of fixtures/manifests as text.

import { readFileSync } from 'node:fs';

export function manifest(name: string): string {
  return readFileSync(new URL(`../../fixtures/manifests/${name}`, import.meta.url), 'utf8');
}
