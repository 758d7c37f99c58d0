// The smallest VTEP in C that does the work: a TAP device on one side, VXLAN over UDP on the other, point to point, 64 packets a
// call where the kernel has such calls. No FDB, no guard, no emulated host: what a userspace VTEP can do at the most.
//
//   vtep TAP LOCAL REMOTE VNI
//
// Says "ready" when both are open; ends at SIGTERM or SIGINT.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, ROOM = 2048, HEADER = 8, PORT = 4789, I_FLAG = 0x08, ETHERNET = 14 };

static volatile sig_atomic_t stopped = 0;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static int open_tap(const char *name) {
  const int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  return ioctl(tap, TUNSETIFF, &request) == 0 ? tap : -1;
}

static int open_tunnel(const char *local) {
  const int tunnel = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const int room = 4 << 20;
  setsockopt(tunnel, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(tunnel, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  if (inet_pton(AF_INET, local, &at.sin_addr) != 1 || bind(tunnel, (struct sockaddr *)&at, sizeof at) != 0) return -1;
  return tunnel;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const struct sigaction end = {.sa_handler = stop};
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGINT, &end, NULL);
  const int tap = open_tap(argv[1]);
  const int tunnel = open_tunnel(argv[2]);
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  if (tap < 0 || tunnel < 0 || inet_pton(AF_INET, argv[3], &peer.sin_addr) != 1) {
    perror("vtep");
    return 1;
  }
  const unsigned vni = atoi(argv[4]);
  static unsigned char out[BATCH][ROOM], in[BATCH][ROOM];
  struct mmsghdr leaving[BATCH] = {0}, coming[BATCH] = {0};
  struct iovec from[BATCH], into[BATCH];
  for (int i = 0; i < BATCH; i++) {
    const unsigned char header[HEADER] = {I_FLAG, 0, 0, 0, vni >> 16, vni >> 8, vni, 0};
    memcpy(out[i], header, HEADER);
    from[i].iov_base = out[i];
    leaving[i].msg_hdr = (struct msghdr){.msg_iov = &from[i], .msg_iovlen = 1, .msg_name = &peer, .msg_namelen = sizeof peer};
    into[i] = (struct iovec){in[i], ROOM};
    coming[i].msg_hdr = (struct msghdr){.msg_iov = &into[i], .msg_iovlen = 1};
  }
  puts("ready");
  fflush(stdout);
  while (!stopped) {
    struct pollfd both[2] = {{tap, POLLIN, 0}, {tunnel, POLLIN, 0}};
    if (poll(both, 2, 100) <= 0) continue;
    if (both[0].revents & POLLIN) {
      int count = 0;
      while (count < BATCH) {
        const ssize_t length = read(tap, out[count] + HEADER, ROOM - HEADER);
        if (length <= 0) break;
        from[count++].iov_len = length + HEADER;
      }
      if (count > 0) sendmmsg(tunnel, leaving, count, 0);
    }
    if (both[1].revents & POLLIN) {
      const int count = recvmmsg(tunnel, coming, BATCH, MSG_DONTWAIT, NULL);
      for (int i = 0; i < count; i++) {
        const unsigned char *header = in[i];
        const size_t length = coming[i].msg_len;
        const unsigned its = header[4] << 16 | header[5] << 8 | header[6];
        if (length < HEADER + ETHERNET || !(header[0] & I_FLAG) || its != vni) continue;
        // What the device has no room for is lost, as a card would lose it.
        if (write(tap, header + HEADER, length - HEADER) < 0) continue;
      }
    }
  }
  return 0;
}
