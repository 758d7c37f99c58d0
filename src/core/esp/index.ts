// The `vxlab/esp` subpath: ESP packets sealed and opened, and keys as Wireshark keeps them.

export type { SecurityAssociation } from './association.ts';
export type { Aead, CipherSuite, IcvLength } from './cipher.ts';
export type { AddressPattern, EspKey } from './key.ts';
export { keyOf } from './key.ts';
export type { KeysFile } from './keys-file.ts';
export { readKeysFile, writeKeysFile } from './keys-file.ts';
export type { Opened, OpenerCounts } from './opener.ts';
export { Opener } from './opener.ts';
export {
  HEAD_LEN,
  NONCE_LEN,
  NOT_OPENED,
  nextHeaderAt,
  open,
  padding,
  roomIn,
  seal,
  sealedLength,
} from './packet.ts';
