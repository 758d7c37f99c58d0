// The drawings: right words, right syntax, whatever the names in the capture are.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { topologyText } from '../../../src/cli/render/topology.ts';
import { TOPOLOGY_FORMATS } from '../../../src/cli/render/topology-format.ts';
import { topologyDocument } from '../../../src/core/topology/draw/json.ts';
import type { Overlay } from '../../../src/core/topology/overlay.ts';
import { documentOf } from '../../cli/harness.ts';
import { captureNames } from '../../support/captures.ts';
import { hasTool, runTool } from '../../support/peers.ts';
import '../../support/properties.ts';
import { charted } from './charted.ts';
import { dotFault, mermaidFault, xmlFault } from './grammar.ts';

const NAMES = [
  'docker-swarm/traffic-underlay.pcap',
  'docker-swarm/init-underlay.pcap',
  'kernel/mcast3-underlay.pcap',
  'kernel/headend3-underlay.pcap',
  'kernel/flannel.pcap',
  'kernel/ipv6-underlay.pcap',
  'kernel/overlap-two-vnis.pcap',
  'kernel/gpe.pcap',
  'ovs/vlan-trunk-noisy.pcap',
  'public/arkime/arkime_synthetic.pcap',
];

/** The same overlay with other names for everybody. */
function renamed(overlay: Overlay, name: string): Overlay {
  return {
    ...overlay,
    networks: overlay.networks.map((network) => ({
      ...network,
      seats: network.seats.map((seat) => ({
        ...seat,
        endpoints: seat.endpoints.map((endpoint) => ({
          ...endpoint,
          names: [{ name, address: endpoint.addresses[0] ?? '', source: 'dns' as const }],
        })),
      })),
    })),
  };
}

describe('text', () => {
  test('VTEP, then network, then endpoint; then the networks and groups', () => {
    expect(topologyText(charted('kernel/mcast3-underlay.pcap'), 'text')).toBe(
      `underlay  198.51.100.0/24?
├── VTEP 198.51.100.1  52:54:00:aa:00:01, 13 sent, 14 received
│   └── VNI 7  10.7.0.0/24
│       └── 10.7.0.1  0a:00:00:00:00:01  13 packets
├── VTEP 198.51.100.2  52:54:00:aa:00:02, 10 sent, 6 received
│   └── VNI 7  10.7.0.0/24
└── VTEP 198.51.100.3  52:54:00:aa:00:03, 12 sent, 7 received
    └── VNI 7  10.7.0.0/24
        ├── 10.7.0.2  0a:00:00:00:00:02  10.7.0.3  moved here from 198.51.100.2  14 packets
        └── 10.7.0.3  0a:00:00:00:00:03  8 packets

networks
└── VNI 7  10.7.0.0/24
    ├── packets up to 84 bytes, UDP 4789, group 239.1.1.1
    └── 35 packets, 4692 bytes

multicast groups
└── 239.1.1.1  VNI 7, 8 packets, joined by 198.51.100.2, 198.51.100.3, left by 198.51.100.2
`,
    );
  });

  test('flood lists, and a sentence where there is no VXLAN', () => {
    expect(topologyText(charted('kernel/headend3-underlay.pcap'), 'text')).toContain(
      'VNI 8  10.8.0.0/24?  floods to 198.51.100.2, 198.51.100.3 (the same frame to several)\n',
    );
    expect(topologyText(charted('docker-swarm/init-underlay.pcap'), 'text')).toBe(
      'no VXLAN in 340 packets\n',
    );
  });

  test('a limit that was hit is said', () => {
    const overlay = { ...charted('kernel/gpe.pcap'), limits: [{ of: 'names', most: 9 }] };
    expect(topologyText(overlay, 'text')).toContain('not everything is here: there was room for 9 names\n');
    expect(topologyText(overlay, 'svg')).toContain('there was room for 9 names');
  });
});

describe('syntax', () => {
  test.each(NAMES)('%s as Mermaid, DOT and SVG', (name) => {
    const overlay = charted(name);
    expect(mermaidFault(topologyText(overlay, 'mermaid'))).toBeNull();
    expect(dotFault(topologyText(overlay, 'dot'))).toBeNull();
    expect(xmlFault(topologyText(overlay, 'svg'))).toBeNull();
  });

  test('whatever somebody is called', () => {
    const overlay = charted('kernel/headend3-underlay.pcap');
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ minLength: 1 }), fc.string({ unit: 'binary', minLength: 1 })),
        (name) => {
          const hostile = renamed(overlay, name);
          expect(mermaidFault(topologyText(hostile, 'mermaid'))).toBeNull();
          expect(dotFault(topologyText(hostile, 'dot'))).toBeNull();
          expect(xmlFault(topologyText(hostile, 'svg'))).toBeNull();
        },
      ),
    );
  });

  test('quotes, brackets, tags and backslashes stay what they are', () => {
    const hostile = renamed(charted('kernel/gpe.pcap'), 'a"b]<i>&\\;#c');
    expect(topologyText(hostile, 'mermaid')).toContain('"a#34;b#93;#60;i#62;#38;#92;#59;#35;c<br/>');
    expect(topologyText(hostile, 'dot')).toContain('label="a\\"b]<i>&amp;\\\\;#c\\n');
    expect(topologyText(hostile, 'svg')).toContain('>a&#34;b]&#60;i&#62;&#38;\\;#c<');
  });

  test.skipIf(!hasTool('dot'))('Graphviz draws every one, labels as they are', () => {
    for (const name of NAMES) {
      const svg = runTool('dot', ['-Tsvg'], Buffer.from(topologyText(charted(name), 'dot')));
      expect(svg).toContain('</svg>');
    }
    const hostile = renamed(charted('kernel/gpe.pcap'), 'a"b\\N&lt;');
    const drawn = runTool('dot', ['-Tsvg'], Buffer.from(topologyText(hostile, 'dot')));
    expect(drawn).toMatch(/>a&quot;b\\N&amp;lt;</);
  });

  test('the SVG needs nothing from elsewhere and runs nothing', () => {
    const svg = topologyText(charted('docker-swarm/traffic-underlay.pcap'), 'svg');
    expect(svg).not.toMatch(/<script|<image|<use|<foreignObject|href|url\(|@import|\son\w+=/i);
    expect([...svg.matchAll(/https?:[^"]*/g)].map(([url]) => url)).toEqual(['http://www.w3.org/2000/svg']);
  });

  test('every text of the SVG stays inside the picture', () => {
    for (const name of NAMES) {
      const svg = topologyText(charted(name), 'svg');
      const [, width, height] = (/<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? []).map(Number);
      for (const [, x, y, size, rest, words] of svg.matchAll(
        /<text x="([\d.]+)" y="([\d.]+)" font-size="(\d+)"([^>]*)>([^<]*)</g,
      )) {
        const long = (words as string).replace(/&#\d+;/g, 'x').length * Number(size) * 0.6;
        const right = Number(x) + (rest?.includes('middle') === true ? long / 2 : long);
        expect(right).toBeLessThanOrEqual(width as number);
        expect(Number(y)).toBeLessThanOrEqual(height as number);
      }
    }
  });

  test('a line feed ends every format', () => {
    const overlay = charted('kernel/unicast4.pcap');
    for (const format of TOPOLOGY_FORMATS) expect(topologyText(overlay, format)).toMatch(/[^\n]\n$/);
  });
});

describe('JSON', () => {
  test.each(captureNames('kernel').filter((name) => /\.pcap(ng)?$/.test(name)))(
    '%s fits the schema',
    (name) => {
      const overlay = charted(name);
      const document = documentOf('topology', { code: 0, out: topologyText(overlay, 'json'), err: '' });
      expect(document).toEqual(topologyDocument(overlay));
    },
  );

  test('tunnels in tunnels, VLANs and GPE fit it as well', () => {
    for (const name of NAMES)
      documentOf('topology', { code: 0, out: topologyText(charted(name), 'json'), err: '' });
  });

  test('a number that is none of a VNI does not', () => {
    const overlay = charted('kernel/gpe.pcap');
    const wrong = { ...overlay, networks: overlay.networks.map((one) => ({ ...one, vni: 2 ** 24 })) };
    expect(() => documentOf('topology', { code: 0, out: topologyText(wrong, 'json'), err: '' })).toThrow();
  });
});
