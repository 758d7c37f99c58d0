// The `vxlab/pcap` subpath: capture files in, packets out, and back.

export type { Detected, FileKind } from './detect.ts';
export { DETECT_LEN, detect } from './detect.ts';
export { LINKTYPE, linkTypeName, SNAP_LENGTH_DEFAULT, snapLimit } from './linktype.ts';
export { PcapReader } from './pcap.ts';
export type { PcapWriterOptions } from './pcap-writer.ts';
export { PcapWriter } from './pcap-writer.ts';
export { PcapngReader } from './pcapng.ts';
export { packetComments } from './pcapng-options.ts';
export type { InterfaceOptions, InterfaceStatistics, PcapngWriterOptions } from './pcapng-writer.ts';
export { PcapngWriter } from './pcapng-writer.ts';
export type { Capture, Packet } from './reader.ts';
export { AnyReader, readAll } from './reader.ts';
export type {
  ByteSink,
  CaptureFormat,
  CaptureInterface,
  CaptureReader,
  CaptureSection,
  CaptureWriter,
  CutShort,
  PacketMeta,
  PacketSink,
} from './record.ts';
export { DIRECTION } from './record.ts';
