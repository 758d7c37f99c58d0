import { describe, expect, test } from 'vitest';
import { renderXfrm } from '../../src/cli/render/xfrm.ts';
import { Lab } from '../../src/lab/lab.ts';
import { PLAIN_CIPHER } from '../../src/lab/plain-cipher.ts';
import { lecture } from './stack.ts';

/** The lecture's stack with every network encrypted, by the cipher that browsers have. */
function encrypted(): Lab {
  const spec = lecture();
  const networks = spec.networks.map((network) => ({ ...network, encrypted: true }));
  return new Lab({ ...spec, networks }, { encryption: { cipher: PLAIN_CIPHER }, trace: true });
}

describe('an encrypted network', () => {
  test('has for each pair of nodes one association out, three in, and counts on both ends alike', () => {
    const lab = encrypted();
    lab.startTraffic({ until: 3e9 });
    lab.run(4e9);
    const rows = lab.xfrm();
    const pairs = new Set(rows.map(({ src, dst }) => `${src} ${dst}`));
    for (const pair of pairs) {
      const mine = rows.filter(({ src, dst }) => `${src} ${dst}` === pair);
      const [out, ...more] = mine.filter(({ direction }) => direction === 'out');
      const inbound = mine.filter(({ direction }) => direction === 'in');
      expect([more.length, inbound.length]).toEqual([0, 3]);
      const same = inbound.find(({ spi }) => spi === out?.spi);
      expect(same?.key).toBe(out?.key);
      expect([same?.packets, same?.sequence, same?.bytes]).toEqual([out?.packets, out?.sequence, out?.bytes]);
      expect(out?.key.slice(-8)).toBe(out?.spi.slice(2));
      expect(inbound.filter(({ packets }) => packets > 0).length).toBeLessThanOrEqual(1);
    }
    expect(rows.some(({ packets }) => packets > 0)).toBe(true);
    expect(lab.close()).toBe(0);
  });

  test('is sealed and opened on the journey, with the state that did it', () => {
    const lab = encrypted();
    const { steps, outcome } = lab.journey('webserver.1', 'appserver.1');
    expect(outcome).toBe('delivered');
    const whats = steps.map(({ what }) => what);
    const order = ['encapsulate', 'outer', 'seal', 'transmit', 'open', 'decapsulate'];
    expect(order.map((what) => whats.indexOf(what, whats.indexOf('encapsulate')))).toEqual(
      order.map((what) => whats.indexOf(what, whats.indexOf('encapsulate'))).toSorted((x, y) => x - y),
    );
    const [seal, open] = ['seal', 'open'].map((one) => steps.find(({ what }) => what === one));
    expect(seal?.entry).toMatch(/^proto esp spi 0x[0-9a-f]{8} mode transport$/);
    expect(open?.entry).toBe(seal?.entry);
    lab.close();
  });

  test('reads as ip -s xfrm state prints it; without one, in a sentence', () => {
    const lab = encrypted();
    const text = renderXfrm(lab.xfrm());
    expect(text).toMatch(
      /^# manager1\nsrc 192\.0\.2\.11 dst 192\.0\.2\.1[23]\n\tproto esp spi 0x[0-9a-f]{8} reqid 13681891 mode transport\n/,
    );
    lab.close();
    const plain = new Lab(lecture());
    expect(renderXfrm(plain.xfrm())).toMatch(/^no network is encrypted/);
    plain.close();
  });
});
