// The limit for an average of weights on AVX-512 machines: reads p and a, writes a, 12 bytes a weight. One or two threads; each takes half of
// the elements of all tensors, cut at a cache line.
//   gcc -O3 -march=native -shared -fPIC -pthread averaging.c -lm
#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct job { int tensors; float **a, **p; const size_t *sizes; float share; };

static void update(float *a, const float *p, size_t from, size_t to, float share) {
  const __m512 w = _mm512_set1_ps(share);
  size_t i = from;
  for (; i + 64 <= to; i += 64) {
    __m512 A0 = _mm512_loadu_ps(a + i), A1 = _mm512_loadu_ps(a + i + 16), A2 = _mm512_loadu_ps(a + i + 32), A3 = _mm512_loadu_ps(a + i + 48);
    A0 = _mm512_fmadd_ps(w, _mm512_sub_ps(_mm512_loadu_ps(p + i), A0), A0);
    A1 = _mm512_fmadd_ps(w, _mm512_sub_ps(_mm512_loadu_ps(p + i + 16), A1), A1);
    A2 = _mm512_fmadd_ps(w, _mm512_sub_ps(_mm512_loadu_ps(p + i + 32), A2), A2);
    A3 = _mm512_fmadd_ps(w, _mm512_sub_ps(_mm512_loadu_ps(p + i + 48), A3), A3);
    _mm512_storeu_ps(a + i, A0);
    _mm512_storeu_ps(a + i + 16, A1);
    _mm512_storeu_ps(a + i + 32, A2);
    _mm512_storeu_ps(a + i + 48, A3);
  }
  for (; i < to; i++) a[i] += share * (p[i] - a[i]);
}

static void part(const struct job *job, int which, int of) {
  size_t total = 0;
  for (int t = 0; t < job->tensors; t++) total += job->sizes[t];
  const size_t from = total * which / of / 16 * 16, to = which + 1 == of ? total : total * (which + 1) / of / 16 * 16;
  size_t at = 0;
  for (int t = 0; t < job->tensors; at += job->sizes[t++]) {
    const size_t size = job->sizes[t], start = from > at ? from - at : 0, end = to - at < size ? to - at : size;
    if (to <= at) break;
    if (start < end) update(job->a[t], job->p[t], start, end, job->share);
  }
}

// One helper thread that spins for some tens of microseconds after each job and then sleeps.
static struct job current;
static atomic_long posted, done;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static void *helper(void *unused) {
  (void)unused;
  for (long seen = 0;; seen++) {
    for (int spin = 0; atomic_load(&posted) == seen && spin < 2000; spin++) _mm_pause();
    if (atomic_load(&posted) == seen) {
      pthread_mutex_lock(&mutex);
      while (atomic_load(&posted) == seen) pthread_cond_wait(&wake, &mutex);
      pthread_mutex_unlock(&mutex);
    }
    part(&current, 1, 2);
    atomic_store(&done, seen + 1);
  }
  return NULL;
}

void average(int tensors, float **a, float **p, const size_t *sizes, int threads, double share) {
  static int started;
  current = (struct job){tensors, a, p, sizes, share};
  if (threads == 1) {
    part(&current, 0, 1);
    return;
  }
  if (!started) {
    pthread_t thread;
    pthread_create(&thread, NULL, helper, NULL);
    started = 1;
  }
  pthread_mutex_lock(&mutex);
  const long target = atomic_fetch_add(&posted, 1) + 1;
  pthread_cond_signal(&wake);
  pthread_mutex_unlock(&mutex);
  part(&current, 0, 2);
  while (atomic_load(&done) != target) _mm_pause();
}
