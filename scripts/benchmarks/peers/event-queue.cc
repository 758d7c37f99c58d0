// event-queue WAITING EVENTS: the hold model of ../event-queue.ts on std::priority_queue; millions of events a second.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <queue>

struct Event {
  uint64_t time, order;
  int token;
  bool operator<(const Event &other) const {
    return time > other.time || (time == other.time && order > other.order);
  }
};

static uint32_t state = 12345;

static uint64_t delay() {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return (state & 15) == 0 ? 1000000000 : 50000 + (state >> 4) % 20000;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int waiting = atoi(argv[1]), events = atoi(argv[2]);
  std::priority_queue<Event> queue;
  uint64_t order = 0;
  for (int i = 0; i < waiting; i++) queue.push({delay(), order++, i});
  for (int turn = 0;; turn++) {
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < events; i++) {
      const Event event = queue.top();
      queue.pop();
      queue.push({event.time + delay(), order++, event.token});
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    // The first turn is for the caches and for the long timers to settle.
    if (turn == 1) {
      printf("%f\n", events / took.count() / 1e6);
      return queue.size() == (size_t)waiting ? 0 : 1;
    }
  }
}
