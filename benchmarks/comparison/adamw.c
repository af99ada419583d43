// The limit for a fused AdamW step on AVX-512 machines: reads p, g, m, v and writes p, m, v, 28 bytes a parameter, with the arithmetic
// overlapped. One or two threads; each takes half of the elements of all tensors, cut at a cache line.
//   gcc -O3 -march=native -shared -fPIC -pthread adamw.c -lm
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct coefficients { float w1, b2, w2, eps, decay, step_size, correction; };
struct job { int tensors; float **p, **g, **m, **v; const size_t *sizes; struct coefficients c; };

static void update(float *p, const float *g, float *m, float *v, size_t from, size_t to, const struct coefficients *c) {
  const __m512 w1 = _mm512_set1_ps(c->w1), b2 = _mm512_set1_ps(c->b2), w2 = _mm512_set1_ps(c->w2), eps = _mm512_set1_ps(c->eps);
  const __m512 decay = _mm512_set1_ps(c->decay), step = _mm512_set1_ps(c->step_size), correction = _mm512_set1_ps(c->correction);
  size_t i = from;
  for (; i + 16 <= to; i += 16) {
    const __m512 G = _mm512_loadu_ps(g + i);
    __m512 P = _mm512_loadu_ps(p + i), M = _mm512_loadu_ps(m + i), V = _mm512_loadu_ps(v + i);
    M = _mm512_fmadd_ps(w1, _mm512_sub_ps(G, M), M);
    V = _mm512_fmadd_ps(_mm512_mul_ps(w2, G), G, _mm512_mul_ps(V, b2));
    const __m512 denominator = _mm512_fmadd_ps(_mm512_sqrt_ps(V), correction, eps);
    P = _mm512_fmadd_ps(step, _mm512_div_ps(M, denominator), _mm512_mul_ps(P, decay));
    _mm512_storeu_ps(p + i, P);
    _mm512_storeu_ps(m + i, M);
    _mm512_storeu_ps(v + i, V);
  }
  for (; i < to; i++) {
    m[i] += c->w1 * (g[i] - m[i]);
    v[i] = v[i] * c->b2 + c->w2 * g[i] * g[i];
    p[i] = p[i] * c->decay + c->step_size * m[i] / (sqrtf(v[i]) * c->correction + c->eps);
  }
}

static void half(const struct job *job, int which, int of) {
  size_t total = 0;
  for (int t = 0; t < job->tensors; t++) total += job->sizes[t];
  const size_t from = total * which / of / 16 * 16, to = which + 1 == of ? total : total * (which + 1) / of / 16 * 16;
  size_t at = 0;
  for (int t = 0; t < job->tensors; at += job->sizes[t++]) {
    const size_t size = job->sizes[t], start = from > at ? from - at : 0, end = to - at < size ? to - at : size;
    if (to <= at) break;
    if (start < end) update(job->p[t], job->g[t], job->m[t], job->v[t], start, end, &job->c);
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
    half(&current, 1, 2);
    atomic_store(&done, seen + 1);
  }
  return NULL;
}

void adamw(int tensors, float **p, float **g, float **m, float **v, const size_t *sizes, int threads, double lr, double beta1, double beta2,
           double eps, double weight_decay, double step) {
  static int started;
  current = (struct job){tensors, p, g, m, v, sizes, {1 - beta1, beta2, 1 - beta2, eps, 1 - lr * weight_decay,
      -lr / (1 - pow(beta1, step)), 1 / sqrt(1 - pow(beta2, step))}};
  if (threads == 1) {
    half(&current, 0, 1);
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
  half(&current, 0, 2);
  while (atomic_load(&done) != target) _mm_pause();
}
