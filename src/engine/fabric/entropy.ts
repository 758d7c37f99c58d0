// 31 bits that are the same for every frame of an inner flow and, it is hoped, different for different flows: what a VTEP
// turns into the outer UDP source port so that routers spread flows over equal paths (RFC 7348 s.5).
//
// Like Linux's flow dissector (net/core/flow_dissector.c) the hash does not care for direction: request and answer of
// one flow leave with the same port, as captures of Docker overlays show. Fragments hash on addresses alone, so that all
// of a datagram's pieces stay together; what is not IP hashes on its MAC addresses and EtherType.

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN = 0x8100;
const QINQ = 0x88a8;
const TCP = 6;
const UDP = 17;

function mix(h: number, value: number): number {
  const x = Math.imul(h ^ value, 0x85ebca6b);
  return x ^ (x >>> 15);
}

/** Both orders of two values give the same result. */
function unordered(h: number, x: number, y: number): number {
  return x >>> 0 < y >>> 0 ? mix(mix(h, x), y) : mix(mix(h, y), x);
}

function finish(h: number): number {
  const x = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  return (x ^ (x >>> 13)) & 0x7fffffff;
}

/** The entropy of the Ethernet frame at [at, end): 0 to 2^31 - 1, a small integer. Any bytes will do. */
export function entropyOf(view: DataView, at: number, end: number): number {
  if (end - at < 14) return 0;
  let type = view.getUint16(at + 12);
  let ip = at + 14;
  let h = 0x9e3779b1;
  while ((type === VLAN || type === QINQ) && end - ip >= 4) {
    h = mix(h, view.getUint16(ip) & 0x0fff);
    type = view.getUint16(ip + 2);
    ip += 4;
  }
  if (type === IPV4 && end - ip >= 20) {
    const first = view.getUint8(ip);
    const proto = view.getUint8(ip + 9);
    h = unordered(mix(h, proto), view.getUint32(ip + 12), view.getUint32(ip + 16));
    const transport = ip + (first & 0x0f) * 4;
    const fragmented = (view.getUint16(ip + 6) & 0x3fff) !== 0;
    if (!fragmented && (proto === TCP || proto === UDP) && end - transport >= 4) {
      h = unordered(h, view.getUint16(transport), view.getUint16(transport + 2));
    }
    return finish(h);
  }
  if (type === IPV6 && end - ip >= 40) {
    const proto = view.getUint8(ip + 6);
    h = mix(h, proto);
    h = unordered(h, fold6(view, ip + 8), fold6(view, ip + 24));
    if ((proto === TCP || proto === UDP) && end - ip >= 44) {
      h = unordered(h, view.getUint16(ip + 40), view.getUint16(ip + 42));
    }
    return finish(h);
  }
  h = unordered(
    h,
    view.getUint32(at + 2) ^ view.getUint16(at),
    view.getUint32(at + 8) ^ view.getUint16(at + 6),
  );
  return finish(mix(h, type));
}

function fold6(view: DataView, at: number): number {
  return mix(
    mix(mix(view.getUint32(at), view.getUint32(at + 4)), view.getUint32(at + 8)),
    view.getUint32(at + 12),
  );
}

/** A port in [min, max] for some entropy, spread evenly (Linux: udp_flow_src_port, which leaves out `max` itself). */
export function portFor(entropy: number, min: number, max: number): number {
  return min + Math.floor((entropy * (max - min + 1)) / 0x8000_0000);
}
