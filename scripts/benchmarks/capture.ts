// The capture that readers are measured on, made anew with the same bytes each time: VXLAN frames of 64 inner bytes, 16 VNIs, eight
// VTEPs, 10,000 inner flows in both directions, half of the packets in a sixteenth of the flows. TCP, UDP, ICMP and ARP stand
// 60 : 30 : 7 : 3; every fiftieth flow has an inner 802.1Q tag. Inner UDP and TCP checksums are 0.

import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PcapWriter } from '../../src/core/pcap/pcap-writer.ts';
import * as checksum from '../../src/core/wire/checksum.ts';
import { Numbers } from './harness.ts';

const INNER = 64;
const OUTER = 50;
const LENGTH = OUTER + INNER;
const VNIS = 16;
const FIRST_VNI = 5000;
const FLOWS = 10_000;

interface Flow {
  readonly vni: number;
  readonly a: number;
  readonly b: number;
  readonly vtepA: number;
  readonly vtepB: number;
  readonly portA: number;
  readonly portB: number;
  readonly outerPort: number;
  /** 6, 17 or 1; 0 for ARP. */
  readonly protocol: number;
  readonly tagged: boolean;
}

let folder: string | null = null;
const made: Map<number, string> = new Map();

/** The path of a capture of so many packets, written when first asked for. */
export function benchCapture(packets: number): string {
  const known = made.get(packets);
  if (known !== undefined) return known;
  folder ??= mkdtempSync(join(tmpdir(), 'vxlab-captures-'));
  const path = join(folder, `${packets}.pcap`);
  write(path, packets);
  made.set(packets, path);
  return path;
}

/** Takes the captures away. */
export function removeCaptures(): void {
  if (folder !== null) rmSync(folder, { recursive: true });
  folder = null;
  made.clear();
}

function write(path: string, packets: number): void {
  const file = openSync(path, 'w');
  const writer = new PcapWriter((bytes) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  });
  const numbers = new Numbers();
  const flows = Array.from({ length: FLOWS }, (_, i) => flowAt(i, numbers));
  const bytes = new Uint8Array(LENGTH).map((_, i) => i * 7);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < packets; i++) {
    const random = numbers.next();
    const few = (random & 1) !== 0 ? FLOWS >> 4 : FLOWS;
    fill(view, flows[(random >>> 1) % few] as Flow, (random >>> 30) & 1, i, numbers.next());
    const micros = 1_700_000_000_000_000 + i * 3;
    writer.writePacket(0, Math.floor(micros / 1e6), (micros % 1e6) * 1000, view, 0, LENGTH, LENGTH);
  }
  writer.flush();
  closeSync(file);
}

function flowAt(i: number, numbers: Numbers): Flow {
  const vni = FIRST_VNI + (i % VNIS);
  const net = 0x0a00_0000 | ((vni & 0xff) << 16);
  const vtep = numbers.next() & 7;
  const kind = numbers.next() % 100;
  return {
    vni,
    a: net | (numbers.next() & 0xfff),
    b: net | (numbers.next() & 0xfff),
    vtepA: 0xc0a8_0001 + vtep,
    vtepB: 0xc0a8_0001 + ((vtep + 1 + (numbers.next() % 7)) & 7),
    portA: 32_768 + (numbers.next() & 0x3fff),
    portB: 20_001 + (numbers.next() & 7),
    outerPort: 49_152 + (numbers.next() & 0x3fff),
    protocol: kind < 60 ? 6 : kind < 90 ? 17 : kind < 97 ? 1 : 0,
    tagged: i % 50 === 0,
  };
}

function fill(view: DataView, flow: Flow, back: number, id: number, random: number): void {
  const [from, to] = back ? [flow.b, flow.a] : [flow.a, flow.b];
  const [vtepFrom, vtepTo] = back ? [flow.vtepB, flow.vtepA] : [flow.vtepA, flow.vtepB];
  fillOuter(view, flow, vtepFrom, vtepTo, id);
  mac(view, OUTER, to);
  mac(view, OUTER + 6, from);
  let at = OUTER + 12;
  if (flow.tagged) {
    view.setUint32(at, 0x8100_0064);
    at += 4;
  }
  if (flow.protocol === 0) {
    fillArp(view, at, from, to, back);
    return;
  }
  view.setUint16(at, 0x0800);
  ip4(view, at + 2, LENGTH - at - 2, flow.protocol, from, to, id);
  const [source, target] = back ? [flow.portB, flow.portA] : [flow.portA, flow.portB];
  fillTransport(view, at + 22, flow.protocol, source, target, back, id, random);
}

function fillOuter(view: DataView, flow: Flow, from: number, to: number, id: number): void {
  mac(view, 0, to);
  mac(view, 6, from);
  view.setUint16(12, 0x0800);
  ip4(view, 14, LENGTH - 14, 17, from, to, id);
  view.setUint16(34, flow.outerPort);
  view.setUint16(36, 4789);
  view.setUint16(38, LENGTH - 34);
  view.setUint16(40, 0);
  view.setUint32(42, 0x0800_0000);
  view.setUint32(46, flow.vni << 8);
}

/** A locally administered MAC made of an address. */
function mac(view: DataView, at: number, ip: number): void {
  view.setUint16(at, 0x0211);
  view.setUint32(at + 2, ip);
}

function ip4(
  view: DataView,
  at: number,
  total: number,
  protocol: number,
  from: number,
  to: number,
  id: number,
): void {
  view.setUint32(at, 0x4500_0000 | total);
  view.setUint32(at + 4, ((id & 0xffff) << 16) | 0x4000);
  view.setUint32(at + 8, (64 << 24) | (protocol << 16));
  view.setUint32(at + 12, from);
  view.setUint32(at + 16, to);
  view.setUint16(at + 10, ~checksum.fold(checksum.sum(view, at, at + 20, 0)) & 0xffff);
}

function fillArp(view: DataView, type: number, from: number, to: number, back: number): void {
  view.setUint16(type, 0x0806);
  view.setUint32(type + 2, 0x0001_0800);
  view.setUint32(type + 6, 0x0604_0001 + back);
  mac(view, type + 10, from);
  view.setUint32(type + 16, from);
  view.setUint16(type + 20, 0);
  view.setUint32(type + 22, 0);
  view.setUint32(type + 26, to);
  for (let i = type + 30; i < LENGTH; i++) view.setUint8(i, 0);
}

function fillTransport(
  view: DataView,
  at: number,
  protocol: number,
  source: number,
  target: number,
  back: number,
  id: number,
  random: number,
): void {
  if (protocol === 1) {
    view.setUint32(at, back ? 0 : 0x0800_0000);
    view.setUint32(at + 4, (source << 16) | (id & 0xffff));
    view.setUint16(at + 2, ~checksum.fold(checksum.sum(view, at, LENGTH, 0)) & 0xffff);
    return;
  }
  view.setUint32(at, (source << 16) | target);
  if (protocol === 17) {
    view.setUint32(at + 4, (LENGTH - at) << 16);
    return;
  }
  view.setUint32(at + 4, random);
  view.setUint32(at + 8, random >>> 3);
  view.setUint32(at + 12, 0x5010_ffff);
  view.setUint32(at + 16, 0);
}
