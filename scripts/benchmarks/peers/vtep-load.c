// Offers UDP datagrams to a path and counts what comes out at its other end. One process holds both ends: each socket is made in
// the network namespace that it belongs to, so that what was sent and what arrived are of the same run, to the packet.
//
//   vtep-load SPACE FROM TO PORT RATE SECONDS TEMPLATES [SINK_SPACE SINK_ADDRESS SINK_PORT]
//
// RATE is datagrams a second, 0 for as many as go. TEMPLATES is a file of payloads, each behind its length in two bytes (big
// endian), which are sent in turn. A namespace is - for the own one. Ends early at SIGTERM or SIGINT. Prints one line:
//
//   sent, seconds of sending, datagrams received, of them a second, dropped because the sink was too slow

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

enum { BATCH = 64, ROOM = 2048, TEMPLATES = 1024, MEMINFO_DROPS = 8 };
// The sender's nap; what is overdue beyond DEBT naps is let go, so that a pause is not followed by a flood.
static const double NAP = 250e-6;
enum { DEBT = 8 };
// The sink waits so long for the last ones.
static const double SILENCE = 0.12;

static volatile sig_atomic_t stopped = 0;
static volatile int sending = 1;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static int udp_socket_in(const char *space, const char *address, int port) {
  if (strcmp(space, "-") != 0) {
    char path[256];
    snprintf(path, sizeof path, "/var/run/netns/%s", space);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || setns(file, CLONE_NEWNET) != 0) return -1;
    close(file);
  }
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, address, &at.sin_addr) != 1) return -1;
  const int made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int room = 8 << 20;
  setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(made, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  return bind(made, (const struct sockaddr *)&at, sizeof at) == 0 ? made : -1;
}

struct sink {
  int socket;
  unsigned long received;
  double rate;
  unsigned dropped;
};

static void *receive(void *argument) {
  struct sink *sink = argument;
  static char bytes[BATCH][ROOM];
  struct mmsghdr messages[BATCH] = {0};
  struct iovec places[BATCH];
  for (int i = 0; i < BATCH; i++) {
    places[i] = (struct iovec){bytes[i], ROOM};
    messages[i].msg_hdr.msg_iov = &places[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const struct timeval patience = {0, 20000};
  setsockopt(sink->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  double first = 0, last = 0, over = 0;
  unsigned long counted = 0;
  for (;;) {
    const int got = recvmmsg(sink->socket, messages, BATCH, MSG_WAITFORONE, NULL);
    const double t = now();
    if (got > 0) {
      sink->received += got;
      // The clock starts when the first ones are there, so those do not count.
      if (first == 0) first = t;
      else counted += got;
      last = t;
    }
    if (sending) continue;
    if (over == 0) over = t;
    if (t - (last > over ? last : over) > SILENCE) break;
  }
  if (last > first) sink->rate = counted / (last - first);
  unsigned words[16] = {0};
  socklen_t length = sizeof words;
  if (getsockopt(sink->socket, SOL_SOCKET, SO_MEMINFO, words, &length) == 0) sink->dropped = words[MEMINFO_DROPS];
  return NULL;
}

static char texts[TEMPLATES][ROOM];
static size_t lengths[TEMPLATES];

static int load_templates(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return 0;
  int count = 0;
  for (; count < TEMPLATES; count++) {
    unsigned char head[2];
    if (fread(head, 1, 2, file) != 2) break;
    lengths[count] = head[0] << 8 | head[1];
    if (lengths[count] > ROOM || fread(texts[count], 1, lengths[count], file) != lengths[count]) return 0;
  }
  fclose(file);
  return count;
}

/** Answers with how many the kernel has taken. */
static unsigned long send_all(int socket, int templates, double rate, double seconds, double *took) {
  struct mmsghdr messages[BATCH] = {0};
  struct iovec places[BATCH];
  for (int i = 0; i < BATCH; i++) {
    messages[i].msg_hdr.msg_iov = &places[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  unsigned long sent = 0;
  const double began = now();
  double origin = began, t = began;
  unsigned long credited = 0;
  while (!stopped && (t = now()) - began < seconds) {
    int want = BATCH;
    if (rate > 0) {
      double due = (t - origin) * rate - credited;
      const double most = rate * NAP * DEBT + BATCH;
      if (due > most) {
        origin += (due - most) / rate;
        due = most;
      }
      if (due < 1) {
        const double nap = (1 - due) / rate > NAP ? (1 - due) / rate : NAP;
        const struct timespec wait = {(time_t)nap, (long)((nap - (time_t)nap) * 1e9)};
        nanosleep(&wait, NULL);
        continue;
      }
      want = due < BATCH ? (int)due : BATCH;
    }
    for (int i = 0; i < want; i++) {
      const unsigned long which = (sent + i) % templates;
      places[i] = (struct iovec){texts[which], lengths[which]};
    }
    const int done = sendmmsg(socket, messages, want, 0);
    // A full queue, or an answer of ICMP to an earlier one: both pass.
    if (done > 0) {
      sent += done;
      credited += done;
    }
  }
  *took = now() - began;
  return sent;
}

int main(int argc, char **argv) {
  if (argc != 8 && argc != 11) return 2;
  const struct sigaction end = {.sa_handler = stop};
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGINT, &end, NULL);
  prctl(PR_SET_TIMERSLACK, 1);
  struct sink sink = {.socket = -1};
  pthread_t thread;
  // A socket stays in the namespace that it was made in; paths of namespaces are the same in all.
  const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (argc == 11) {
    sink.socket = udp_socket_in(argv[8], argv[9], atoi(argv[10]));
    if (sink.socket < 0) {
      perror("the sink");
      return 1;
    }
    setns(own, CLONE_NEWNET);
  }
  const int source = udp_socket_in(argv[1], argv[2], 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[4]))};
  if (source < 0 || inet_pton(AF_INET, argv[3], &to.sin_addr) != 1 ||
      connect(source, (const struct sockaddr *)&to, sizeof to) != 0) {
    perror("the source");
    return 1;
  }
  const int templates = load_templates(argv[7]);
  if (templates == 0) {
    fprintf(stderr, "no templates in %s\n", argv[7]);
    return 1;
  }
  if (sink.socket >= 0) pthread_create(&thread, NULL, receive, &sink);
  double took = 0;
  const unsigned long sent = send_all(source, templates, atof(argv[5]), atof(argv[6]), &took);
  sending = 0;
  if (sink.socket >= 0) pthread_join(thread, NULL);
  printf("%lu %.6f %lu %.1f %u\n", sent, took, sink.received, sink.rate, sink.dropped);
  return 0;
}
