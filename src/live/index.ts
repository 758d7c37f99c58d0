// The live data plane's face: real sockets under the emulated overlay, capture files, the wall clock.

export type { ReadOptions, ReadResult } from './capture/pcap-file.ts';
export { CaptureFile, readCapture } from './capture/pcap-file.ts';
export { inlineMore } from './inlining.ts';
export type { UdpLabOptions } from './udp-lab.ts';
export { UdpLab } from './udp-lab.ts';
export type { UdpCounters, UdpUnderlayOptions } from './underlay/udp-underlay.ts';
export { UdpUnderlay } from './underlay/udp-underlay.ts';
export { LiveVtep } from './vtep/live-vtep.ts';
export type { LiveVtepConfig, SegmentConfig, VtepLimits } from './vtep/vtep-config.ts';
export { DEFAULT_LIMITS } from './vtep/vtep-config.ts';
export type { VtepReport } from './vtep/vtep-report.ts';
export { reportOf } from './vtep/vtep-report.ts';
export { WallClock } from './wall-clock.ts';
