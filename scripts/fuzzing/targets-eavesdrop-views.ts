// What the eavesdropper shows to people: in words, as JSON, as a page. Whatever a capture brings, a masked view has no secret, and
// nothing in any view is obeyed by a terminal or a browser.

import picocolors from 'picocolors';
import { documentPieces } from '../../src/cli/eavesdrop/document.ts';
import { View } from '../../src/cli/eavesdrop/view.ts';
import { renderEavesdrop } from '../../src/cli/render/eavesdrop.ts';
import { pagePieces } from '../../src/cli/render/eavesdrop-page.ts';
import { Eavesdropper } from '../../src/core/eavesdrop/eavesdropper.ts';
import { NODE_INFLATE } from '../../src/live/node-inflate.ts';
import type { Input, Scene } from './input.ts';
import type { Target } from './target.ts';
import { eachSight, must, reads } from './target.ts';

const PLAIN = picocolors.createColors(false);
/** Shorter ones may stand anywhere by chance. */
const LONG = 12;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
/** The page's own elements; what a capture brings is escaped. */
const FOREIGN =
  /<(?!\/?(?:!doctype|html|head|meta|title|style|body|section|h[1-3]|p|div|strong|span|table|thead|tbody|tr|th|td|pre|b)[ >])/;

export const EAVESDROP_VIEW_TARGETS: readonly Target[] = [
  {
    name: 'eavesdrop-views',
    takes: 'scene',
    run: (input: Input): void => {
      const scene = input as Scene;
      const ear = new Eavesdropper({ inflate: NODE_INFLATE });
      eachSight(scene, (sight, { meta }) => ear.observe(sight, meta));
      ear.end();
      const heard = { name: 'x.pcap', cutShort: null, report: ear.report() };
      const secrets = heard.report.conversations
        .flatMap(({ readings }) => readings.map(({ secret }) => secret))
        .filter(({ length }) => length >= LONG);
      for (const reveal of [false, true]) {
        const view = new View(heard, { reveal });
        const text = renderEavesdrop(view, { rows: 1000, width: Number.POSITIVE_INFINITY }, PLAIN);
        const json = [...documentPieces(view, 2)].join('');
        const page = [...pagePieces([view])].join('');
        reads(text, 'what was heard', scene);
        JSON.parse(json);
        must(/^[^\n]+\n$/.test([...documentPieces(view, 0)].join('')), 'a document in a line is one line');
        must(!FOREIGN.test(page), 'a page has no element of a stranger', FOREIGN.exec(page)?.[0]);
        for (const one of [text, json, page]) {
          const at = one.search(OBEYED);
          must(at < 0, 'a view is not obeyed', JSON.stringify(one.slice(Math.max(0, at - 60), at + 20)));
        }
        if (reveal) continue;
        for (const secret of secrets)
          must(
            ![text, json, page].some((one) => one.includes(secret)),
            'a masked view has no secret',
            secret,
          );
      }
    },
  },
];
