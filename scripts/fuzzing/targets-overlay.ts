// Targets about the overlay that packets tell of: the atlas and its limits, and every drawing of it.

import { topologyText } from '../../src/cli/render/topology.ts';
import { TOPOLOGY_FORMATS } from '../../src/cli/render/topology-format.ts';
import { Atlas } from '../../src/core/topology/atlas.ts';
import type { Overlay } from '../../src/core/topology/overlay.ts';
import { loadManifest } from '../../src/engine/manifest/load.ts';
import { dotFault, mermaidFault, xmlFault } from '../../test/core/topology/grammar.ts';
import type { Input, Scene } from './input.ts';
import type { Target } from './target.ts';
import { eachSight, must, reads } from './target.ts';

const LITTLE = { addresses: 40, networks: 6, vteps: 12, tunnels: 12, endpoints: 12, places: 16, names: 8 };

/** The rule that a file without nodes breaks: packets without a VTEP give one. */
const NOTHING_TO_RUN = 'OV1702';

const atlas: Target = {
  name: 'atlas',
  takes: 'scene',
  broad: true,
  run(input: Input): void {
    const scene = input as Scene;
    const [roomy, narrow] = [new Atlas(), new Atlas(LITTLE, 7)];
    eachSight(scene, (sight, { meta }) => {
      roomy.observe(sight, meta);
      narrow.observe(sight, meta);
    });
    const overlay = roomy.overlay();
    must(overlay.limits.length === 0, 'a scene fills no table');
    reads(JSON.stringify(overlay), 'the overlay', scene);
    const little = narrow.overlay();
    must(little.vteps.length <= LITTLE.vteps, 'VTEPs keep their limit', little.vteps.length);
    must(little.tunnels.length <= LITTLE.tunnels, 'tunnels keep their limit', little.tunnels.length);
    must(little.networks.length <= LITTLE.networks, 'networks keep their limit', little.networks.length);
    drawn(little, scene);
  },
};

/** Each format in its own grammar; names in it are what strangers sent. */
function drawn(overlay: Overlay, scene: Scene): void {
  for (const format of TOPOLOGY_FORMATS) {
    const text = topologyText(overlay, format);
    must(text.endsWith('\n'), 'a drawing ends with a line feed', format);
    reads(text, `as ${format}`, scene);
    switch (format) {
      case 'mermaid':
        must(mermaidFault(text) === null, 'Mermaid is a flowchart', mermaidFault(text));
        break;
      case 'dot':
        must(dotFault(text) === null, 'DOT is a graph', dotFault(text));
        break;
      case 'svg':
        must(xmlFault(text) === null, 'SVG is well-formed', xmlFault(text));
        break;
      case 'json':
        JSON.parse(text);
        break;
      case 'file': {
        const { diagnostics } = loadManifest(text, { stack: 'x' });
        const wrong = diagnostics.filter(
          ({ severity, rule }) => severity === 'error' && rule !== NOTHING_TO_RUN,
        );
        must(wrong.length === 0, 'the topology file is one', wrong[0]?.message);
        break;
      }
      default:
        must(!/\p{Cc}/u.test(text.replaceAll('\n', '')), 'text has no control characters');
    }
  }
}

export const OVERLAY_TARGETS: readonly Target[] = [atlas];
