// VXLAN encapsulation in place and decapsulation in C; the frames are those of ../encap.ts. From this project's own
// measuring tools.
//
//   encap encapsulate|decapsulate BYTES CHECKSUM PACKETS     prints millions of packets a second
//
// BYTES is the inner frame's length, CHECKSUM 1 for an outer UDP checksum.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 256, SLOT = 2048, OUTER = 50, ROOM = 64 };

static uint8_t slots[FRAMES][SLOT];
static volatile uint64_t kept;
static uint16_t identification;

static const uint8_t TEMPLATE[OUTER] = {2,   0, 0, 0, 0, 2, 2,   0,   0, 1, 0, 1, 8, 0, 0x45, 0, 0,    0,    0, 0, 0, 0, 64, 17, 0,
                                        0, 192, 0, 2, 11, 192, 0, 2, 12, 0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0x10, 0x01, 0};
