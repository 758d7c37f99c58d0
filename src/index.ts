// The public face without I/O: codecs, frames, captures, what takes them apart, the engine and the lab. Runs in a browser too.

export * as doctor from './core/doctor/index.ts';
export * as edit from './core/edit/index.ts';
export * as filter from './core/filter/index.ts';
export { Frame, HEADROOM } from './core/frame/frame.ts';
export { FramePool } from './core/frame/frame-pool.ts';
export * as inspect from './core/inspect/index.ts';
export * as pcap from './core/pcap/index.ts';
export * as reassembly from './core/reassembly/index.ts';
export * as survey from './core/survey/index.ts';
export * as topology from './core/topology/index.ts';
export * as wire from './core/wire/index.ts';
export { VxlabError } from './core/wire/numbers.ts';
export * from './engine/index.ts';
export type { LabCapture, LoggedFrame, Taps } from './lab/capture.ts';
export { EPOCH_SECONDS, FrameLog, PcapngCapture, TAPS } from './lab/capture.ts';
export type { FrameStory, Journey, JourneyStep } from './lab/journey.ts';
export { JOURNEY_SNAP, journeyOf } from './lab/journey.ts';
export type { LabOptions, PingAnswer } from './lab/lab.ts';
export { Lab } from './lab/lab.ts';
export { PLAIN_CIPHER } from './lab/plain-cipher.ts';
export type {
  ContainerSummary,
  NetworkSummary,
  NodeSummary,
  Population,
  Totals,
} from './lab/summary.ts';
export { populationOf, totalsOf } from './lab/summary.ts';
export type { DnsRow } from './lab/tables-dns.ts';
export { dnsRows } from './lab/tables-dns.ts';
export type { FdbRow } from './lab/tables-fdb.ts';
export { fdbRows } from './lab/tables-fdb.ts';
export type { IpamRow, LeaseRow } from './lab/tables-ipam.ts';
export { ipamRows } from './lab/tables-ipam.ts';
export type { LinkRow, VxlanSettings } from './lab/tables-links.ts';
export { linkRows } from './lab/tables-links.ts';
export type { NeighRow } from './lab/tables-neigh.ts';
export { neighRows } from './lab/tables-neigh.ts';
export type { PeerEndpoint, PeerRow } from './lab/tables-peers.ts';
export { peerRows } from './lab/tables-peers.ts';
export type { XfrmRow } from './lab/tables-xfrm.ts';
export { xfrmRows } from './lab/tables-xfrm.ts';
export type { TrafficOptions, TrafficPair, TrafficRow } from './lab/traffic.ts';
export { pairsOf, Traffic } from './lab/traffic.ts';
