// One UDP flow through the kernel, 64 datagrams a system call.
//
//   udp-flow send ADDRESS PORT BYTES SECONDS
//   udp-flow receive ADDRESS PORT SECONDS       prints millions of datagrams a second, from the first to the last

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { BATCH = 64, ROOM = 2048 };

static char bytes[BATCH][ROOM];
static struct mmsghdr messages[BATCH];
static struct iovec places[BATCH];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void prepare(size_t length) {
  for (int i = 0; i < BATCH; i++) {
    places[i] = (struct iovec){bytes[i], length};
    messages[i].msg_hdr.msg_iov = &places[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
}

static int send_flow(int socket, const struct sockaddr_in *to, size_t length, double seconds) {
  if (length > ROOM || connect(socket, (const struct sockaddr *)to, sizeof *to) != 0) return 1;
  prepare(length);
  // An error is a full queue or an address not yet resolved; either passes.
  for (double end = now() + seconds; now() < end;) sendmmsg(socket, messages, BATCH, 0);
  return 0;
}

static int receive_flow(int socket, const struct sockaddr_in *at, double seconds) {
  if (bind(socket, (const struct sockaddr *)at, sizeof *at) != 0) return 1;
  const struct timeval patience = {0, 200000};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  prepare(ROOM);
  unsigned long received = 0;
  double first = 0, last = 0;
  for (double end = now() + seconds; now() < end;) {
    const int got = recvmmsg(socket, messages, BATCH, MSG_WAITFORONE, NULL);
    if (got <= 0) continue;
    last = now();
    // The clock starts when the first ones are there, so those do not count.
    if (first == 0) first = last;
    else received += got;
  }
  if (received == 0) return 1;
  printf("%.6f\n", received / (last - first) / 1e6);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[3]))};
  if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) return 2;
  const int flow = socket(AF_INET, SOCK_DGRAM, 0);
  const int room = 4 << 20;
  setsockopt(flow, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(flow, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  if (strcmp(argv[1], "send") == 0 && argc == 6) return send_flow(flow, &address, atoi(argv[4]), atof(argv[5]));
  if (strcmp(argv[1], "receive") == 0) return receive_flow(flow, &address, atof(argv[4]));
  return 2;
}
