// What reads conversations: the eavesdropper, with the bounds that it promises to keep.

import { Eavesdropper } from '../../src/core/eavesdrop/eavesdropper.ts';
import { NODE_INFLATE } from '../../src/live/node-inflate.ts';
import type { Input, Scene } from './input.ts';
import type { Target } from './target.ts';
import { eachSight, must, reads } from './target.ts';

const BYTES = 1 << 18;

export const EAVESDROP_TARGETS: readonly Target[] = [
  {
    name: 'eavesdrop',
    takes: 'scene',
    run: (input: Input): void => {
      const scene = input as Scene;
      const limits = { bytes: BYTES, streams: 16, conversations: 32, readings: 32, hosts: 16 };
      const ear = new Eavesdropper({ limits, inflate: NODE_INFLATE });
      const lengths: number[] = [];
      eachSight(scene, (sight, { start, end, meta }) => {
        lengths.push(end - start);
        ear.observe(sight, meta);
        must(ear.held <= BYTES, 'no more is held than told', ear.held);
      });
      ear.end();
      must(ear.held === 0, 'nothing is held in the end', ear.held);
      for (const { readings, bytes, missing } of ear.report().conversations) {
        must(bytes >= 0 && missing >= 0, 'counts are counts', `${bytes} ${missing}`);
        for (const { what, text, secret, place, length } of readings) {
          reads(what, 'what was read', scene);
          must(text.length <= 4096 && secret.length <= 4096, 'texts are cut', text.length);
          must(length >= 1, 'a reading has bytes', length);
          const captured = lengths[place.packet - 1];
          must(captured !== undefined, 'a reading stands in a packet', place.packet);
          if (place.within === 'packet')
            must(
              place.offset >= 0 && place.offset < (captured as number),
              'a reading stands inside',
              place.offset,
            );
        }
      }
    },
  },
];
