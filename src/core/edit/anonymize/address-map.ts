// Which address stands for which in an anonymised capture: IPv4, IPv6, MAC addresses and VNIs, by Crypto-PAn's flips
// (prefix-preserving.ts) with some of them left out, so that every address stays what it is.
//
// What means something by its value is kept: 0.0.0.0, 255.255.255.255, 127/8, ::, ::1, the groups 224.0.0.x and the IPv6 groups
// with a number below 2^17, all-ones and all-zero MACs, 01:80:c2 and 01:00:0c. The prefixes 169.254/16, fe80::/64, 224/4 and
// ff00::/8, 01:00:5e and 33:33 stay and what is behind them is mapped. The price: an address that shares its first n bits with one
// of these keeps n + 1 bits, so that 10.x stays between 8.x and 15.x, and 192.x between 192.x and 223.x.
//
// Addresses that are made of one another stay so: the MAC of a group is that of the mapped group, and the solicited-node group of
// an IPv6 address that of the mapped address. For that, the last 23 bits of an IPv4 group, the last 32 of an IPv6 group and the last
// 24 of any IPv6 address are mapped by themselves; prefixes are kept all the same, since fewer bits are asked, not more.

import type { Ip4, Ip6, Mac } from '../../wire/address.ts';
import type { BlockCipher } from './prefix-preserving.ts';
import { PrefixFlips } from './prefix-preserving.ts';

export interface AddressMapOptions {
  /** Keep the first three bytes of MAC addresses, which name the maker. Default false. */
  readonly keepOui?: boolean;
}

/** Functions of the key: see PrefixFlips. */
const DOMAIN = { ip: 0, mac: 1, vni: 2 } as const;

const SLOTS_BITS = 13;
const SLOTS = 1 << SLOTS_BITS;
const MULTICAST4 = 0xe0000000 | 0;
const LOOPBACK4 = 0x7f000000;
const LINK_LOCAL4 = 0xa9fe0000 | 0;
const LINK_LOCAL6 = 0xfe800000 | 0;
const SOLICITED = 0xff020000 | 0;

export class AddressMap {
  readonly #ip: PrefixFlips;
  readonly #mac: PrefixFlips;
  readonly #vni: PrefixFlips;
  readonly #keepOui: boolean;
  // What was worked out, by a hash of the address; a newcomer takes the place of whoever was there.
  readonly #key4: Int32Array = new Int32Array(SLOTS);
  readonly #value4: Int32Array = new Int32Array(SLOTS);
  readonly #full4: Uint8Array = new Uint8Array(SLOTS);
  readonly #words6: Int32Array = new Int32Array(SLOTS * 8);
  readonly #full6: Uint8Array = new Uint8Array(SLOTS);
  readonly #keyMac: Float64Array = new Float64Array(SLOTS).fill(-1);
  readonly #valueMac: Float64Array = new Float64Array(SLOTS);
  readonly #vnis: Map<number, number> = new Map();

  /**
   * @param cipher under the first half of the key
   * @param padKey the second half, 16 bytes
   * @throws VxlabError BAD_KEY
   */
  constructor(cipher: BlockCipher, padKey: Uint8Array, options: AddressMapOptions = {}) {
    this.#ip = new PrefixFlips(cipher, padKey, DOMAIN.ip);
    this.#mac = new PrefixFlips(cipher, padKey, DOMAIN.mac);
    this.#vni = new PrefixFlips(cipher, padKey, DOMAIN.vni);
    this.#keepOui = options.keepOui ?? false;
  }

  ip4(ip: Ip4): Ip4 {
    const word = ip | 0;
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - SLOTS_BITS);
    if (this.#full4[slot] === 0 || this.#key4[slot] !== word) {
      this.#value4[slot] = this.#map4(word);
      this.#key4[slot] = word;
      this.#full4[slot] = 1;
    }
    return (this.#value4[slot] as number) >>> 0;
  }

  ip6(ip: Ip6): Ip6 {
    const at = this.#find6(ip.a | 0, ip.b | 0, ip.c | 0, ip.d | 0);
    const words = this.#words6;
    return {
      a: (words[at] as number) >>> 0,
      b: (words[at + 1] as number) >>> 0,
      c: (words[at + 2] as number) >>> 0,
      d: (words[at + 3] as number) >>> 0,
    };
  }

  mac(mac: Mac): Mac {
    const slot = Math.imul(mac ^ (mac / 0x1_0000), 0x9e3779b1) >>> (32 - SLOTS_BITS);
    if (this.#keyMac[slot] !== mac) {
      this.#valueMac[slot] = this.#mapMac(mac);
      this.#keyMac[slot] = mac;
    }
    return this.#valueMac[slot] as number;
  }

  /** Another VNI, 0 to 2^24 - 1. */
  vni(vni: number): number {
    const known = this.#vnis.get(vni);
    if (known !== undefined) return known;
    this.#vni.find(24, vni << 8);
    const mapped = vni ^ (this.#vni.a >>> 8);
    if (this.#vnis.size >= SLOTS) this.#vnis.clear();
    this.#vnis.set(vni, mapped);
    return mapped;
  }

  /** Copies four bytes of address from one view to the other. */
  copyIp4(from: DataView, to: DataView, at: number): void {
    to.setUint32(at, this.ip4(from.getInt32(at)));
  }

  /** Sixteen bytes likewise. */
  copyIp6(from: DataView, to: DataView, at: number): void {
    const words = this.#words6;
    const found = this.#find6(
      from.getInt32(at),
      from.getInt32(at + 4),
      from.getInt32(at + 8),
      from.getInt32(at + 12),
    );
    for (let i = 0; i < 4; i++) to.setInt32(at + 4 * i, words[found + i] as number);
  }

  /** Six bytes likewise. */
  copyMac(from: DataView, to: DataView, at: number): void {
    const mapped = this.mac(from.getUint16(at) * 0x1_0000_0000 + from.getUint32(at + 2));
    to.setUint16(at, mapped / 0x1_0000_0000);
    to.setUint32(at + 2, mapped >>> 0);
  }

  #map4(ip: number): number {
    if (ip >>> 28 === 0xe) return (ip & ~0x7fffff) | this.#group23(ip & 0x7fffff);
    const kept = Math.max(
      along(ip, 0, 32, 32),
      along(ip, -1, 32, 32),
      along(ip, LOOPBACK4, 8, 32),
      along(ip, LINK_LOCAL4, 16, 16),
      along(ip, MULTICAST4, 4, 4),
    );
    if (kept === 32) return ip;
    this.#ip.find(32, ip);
    return ip ^ behind(this.#ip.a, kept);
  }

  /** The last 23 bits of an IPv4 group: what its MAC address holds of it (RFC 1112 s.6.4). */
  #group23(low: number): number {
    const group = MULTICAST4 | low;
    const kept = Math.max(9, along(group, MULTICAST4, 24, 32));
    if (kept === 32) return low;
    this.#ip.find(32, group);
    return (group ^ behind(this.#ip.a, kept)) & 0x7fffff;
  }

  /** Where in `#words6` the mapped address is: behind it stands the address itself. */
  #find6(a: number, b: number, c: number, d: number): number {
    const words = this.#words6;
    const mixed = Math.imul(a, 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35) ^ Math.imul(c, 0x27d4eb2f) ^ d;
    const slot = Math.imul(mixed, 0x9e3779b1) >>> (32 - SLOTS_BITS);
    const at = slot * 8;
    const hit =
      this.#full6[slot] === 1 &&
      words[at + 4] === a &&
      words[at + 5] === b &&
      words[at + 6] === c &&
      words[at + 7] === d;
    if (hit) return at;
    this.#full6[slot] = 1;
    words[at + 4] = a;
    words[at + 5] = b;
    words[at + 6] = c;
    words[at + 7] = d;
    if (a >>> 24 === 0xff) this.#mapGroup6(at, a, b, c, d);
    else this.#map6(at, a, b, c, d);
    return at;
  }

  #set6(at: number, a: number, b: number, c: number, d: number): void {
    this.#words6[at] = a;
    this.#words6[at + 1] = b;
    this.#words6[at + 2] = c;
    this.#words6[at + 3] = d;
  }

  #map6(at: number, a: number, b: number, c: number, d: number): void {
    // An IPv4 address in IPv6 clothes (RFC 4291 s.2.5.5.2) goes where it goes without them.
    if (a === 0 && b === 0 && c === 0xffff) {
      this.#set6(at, a, b, c, this.ip4(d) | 0);
      return;
    }
    const zeros = clz6(a, b, c, d);
    const kept = Math.max(
      zeros >= 127 ? 128 : zeros + 1,
      clz6(a, b, c ^ 0xffff, 0) + 1,
      Math.min(64, clz6(a ^ LINK_LOCAL6, b, c, d) + 1),
      along(a, 0xff000000 | 0, 8, 8),
    );
    if (kept >= 128) {
      this.#set6(at, a, b, c, d);
      return;
    }
    const low = this.#low24(d & 0xffffff);
    const flips = this.#ip;
    flips.find(104, a, b, c, d);
    this.#set6(
      at,
      a ^ behind(flips.a, kept),
      b ^ behind(flips.b, kept - 32),
      c ^ behind(flips.c, kept - 64),
      d ^ behind((flips.d & 0xff000000) | low, kept - 96),
    );
  }

  /** The flips of the last 24 bits of any IPv6 address: those of its solicited-node group (RFC 4291 s.2.7.1). */
  #low24(low: number): number {
    this.#ip.find(128, SOLICITED, 0, 1, 0xff000000 | low);
    return this.#ip.d & 0xffffff;
  }

  #mapGroup6(at: number, a: number, b: number, c: number, d: number): void {
    const last = this.#group32(d);
    const shared = clz6(a & 0xffff, b, c, -1);
    // Nothing between the scope and the last 32 bits but perhaps a 1, as solicited-node and many well-known groups have it.
    const kept = shared >= 95 ? 96 : shared + 1;
    const flips = this.#ip;
    if (kept < 96) flips.find(96, a, b, c);
    else flips.a = flips.b = flips.c = 0;
    this.#set6(
      at,
      a ^ behind(flips.a, kept),
      b ^ behind(flips.b, kept - 32),
      c ^ behind(flips.c, kept - 64),
      last,
    );
  }

  /** The last 32 bits of an IPv6 group: what its MAC address holds of it (RFC 2464 s.7). */
  #group32(word: number): number {
    if (word >>> 24 === 0xff) return word ^ this.#low24(word & 0xffffff);
    const kept = Math.max(along(word, 0, 15, 32), along(word, 0xff000000 | 0, 8, 8));
    if (kept === 32) return word;
    this.#ip.find(32, word);
    return word ^ behind(this.#ip.a, kept);
  }

  #mapMac(mac: Mac): Mac {
    const high = Math.floor(mac / 0x1_0000_0000);
    const low = mac | 0;
    if (high === 0x3333) return high * 0x1_0000_0000 + (this.#group32(low) >>> 0);
    const a = (high << 16) | (low >>> 16);
    const b = low << 16;
    if (a >>> 8 === 0x01005e) {
      return (low & 0x800000) !== 0 ? mac : 0x01005e000000 + this.#group23(low & 0x7fffff);
    }
    const kept = Math.max(
      this.#keepOui ? 24 : 0,
      along6(a, b, 0, 0, 48),
      along6(a, b, -1, -1, 48),
      along(a, 0x01005e00, 24, 24),
      along(a, 0x33330000, 16, 16),
      along(a, 0x0180c200, 24, 48),
      along(a, 0x01000c00, 24, 48),
    );
    if (kept >= 48) return mac;
    this.#mac.find(48, a, b);
    // The bits for group and for locally administered addresses (IEEE 802 s.8.2).
    const first = a ^ (behind(this.#mac.a, kept) & ~0x03000000);
    const second = (b ^ behind(this.#mac.b, kept - 32)) >>> 16;
    return (first >>> 0) * 0x1_0000 + second;
  }
}

/**
 * How many leading bits of `word` are kept on account of a prefix of `length` bits: one more than both share, or `inside` where
 * `word` is within it.
 */
function along(word: number, prefix: number, length: number, inside: number): number {
  const shared = Math.clz32(word ^ prefix);
  return shared >= length ? inside : shared + 1;
}

/** The same for the 48 bits of a MAC address and one that is kept whole. */
function along6(a: number, b: number, keptA: number, keptB: number, length: number): number {
  const shared = a === keptA ? 32 + Math.clz32((b ^ keptB) & 0xffff0000) : Math.clz32(a ^ keptA);
  return shared >= length ? length : shared + 1;
}

/** The bits of a word behind the first `kept`; `kept` may lie outside 0 to 32. */
function behind(word: number, kept: number): number {
  if (kept <= 0) return word;
  return kept >= 32 ? 0 : word & (-1 >>> kept);
}

/** Leading zero bits of four words. */
function clz6(a: number, b: number, c: number, d: number): number {
  if (a !== 0) return Math.clz32(a);
  if (b !== 0) return 32 + Math.clz32(b);
  return c !== 0 ? 64 + Math.clz32(c) : 96 + Math.clz32(d);
}
