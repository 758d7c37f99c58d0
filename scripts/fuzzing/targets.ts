// All targets by name, and the words for those of one kind.

import type { Kind } from './input.ts';
import type { Target } from './target.ts';
import { EAVESDROP_TARGETS } from './targets-eavesdrop.ts';
import { EAVESDROP_VIEW_TARGETS } from './targets-eavesdrop-views.ts';
import { EDIT_TARGETS } from './targets-edit.ts';
import { FILE_TARGETS } from './targets-file.ts';
import { FILTER_TARGETS } from './targets-filter.ts';
import { OVERLAY_TARGETS } from './targets-overlay.ts';
import { PACKET_TARGETS } from './targets-packet.ts';
import { SCENE_TARGETS } from './targets-scene.ts';

export const TARGETS: readonly Target[] = [
  ...PACKET_TARGETS,
  ...FILTER_TARGETS,
  ...SCENE_TARGETS,
  ...OVERLAY_TARGETS,
  ...EAVESDROP_TARGETS,
  ...EAVESDROP_VIEW_TARGETS,
  ...EDIT_TARGETS,
  ...FILE_TARGETS,
];

export const KINDS: Readonly<Record<string, Kind>> = { packets: 'scene', files: 'file', texts: 'text' };

/** The targets of names and kinds; all when none is named; null when a name is none. */
export function chosen(names: readonly string[]): Target[] | null {
  if (names.length === 0) return [...TARGETS];
  const known = names.every((name) => name in KINDS || TARGETS.some((target) => target.name === name));
  if (!known) return null;
  return TARGETS.filter((target) =>
    names.some((name) => name === target.name || KINDS[name] === target.takes),
  );
}
