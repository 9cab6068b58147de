/* The choice of the instruction set, and what Python calls (through ctypes, which lets other threads run). */
#include "pool.h"

#include <string.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

extern const dlm_kernel dlm_kernel_base;
#if defined(HAVE_AVX2)
extern const dlm_kernel dlm_kernel_avx2;
#endif
#if defined(HAVE_AVX512)
extern const dlm_kernel dlm_kernel_avx512;
#endif
#if defined(HAVE_AVX512BF16)
extern const dlm_kernel dlm_kernel_avx512bf16;
#endif

typedef struct {
    const dlm_kernel *kernel;
    void *model;
    dlm_pool *pool;
} dlm_network;

#if defined(HAVE_AVX512BF16)
/* Products of bfloat16 round what they multiply, so they are taken only where they are really faster: on some processors
 * (AMD's) they take half the time, on others none less. A millisecond tells, once: a process does not change its mind. */
static int rounding_is_worth_it(void) {
    static _Atomic int known; /* 0: not yet, 1: no, 2: yes */
    int told = atomic_load(&known);
    if (!told) {
        int found = dlm_kernel_avx512bf16.try() < 0.75 * dlm_kernel_avx512.try() ? 2 : 1;
        if (atomic_compare_exchange_strong(&known, &told, found)) told = found;
    }
    return told == 2;
}
#endif

/* The kernel for this processor, at most `wanted` ("" for the best there is). */
static const dlm_kernel *chosen(const char *wanted) {
    int any = wanted[0] == 0;
    (void)any;
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
#if defined(HAVE_AVX512)
    if (strcmp(wanted, "base") && strcmp(wanted, "avx2") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
#if defined(HAVE_AVX512BF16)
        if (strcmp(wanted, "avx512") && __builtin_cpu_supports("avx512bf16") &&
            (!any || rounding_is_worth_it()))
            return &dlm_kernel_avx512bf16;
#endif
        return &dlm_kernel_avx512;
    }
#endif
#if defined(HAVE_AVX2)
    if (strcmp(wanted, "base") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &dlm_kernel_avx2;
#endif
    return &dlm_kernel_base;
}

/* A library that was made from other sources than those beside it is not called: see sources.py. */
EXPORTED const char dlm_sources[] = SOURCES;

EXPORTED const char *dlm_variant(const char *wanted) { return chosen(wanted)->name; }

/* Bytes of a number of keys and values: 4 (float32) or 2 (bfloat16). */
EXPORTED int dlm_kept_bytes(const char *wanted) { return chosen(wanted)->kept_bytes; }

/* A network with these weights, which have to stay where they are but for matrices; NULL: no memory. */
EXPORTED dlm_network *dlm_open(const dlm_sizes *sizes, const dlm_weights *weights, int threads, const char *wanted) {
    dlm_network *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    net->kernel = chosen(wanted);
    net->pool = pool_made(threads);
    net->model = net->pool ? net->kernel->open(sizes, weights) : NULL;
    if (net->model) return net;
    if (net->pool) pool_ended(net->pool);
    free(net);
    return NULL;
}

EXPORTED void dlm_close(dlm_network *net) {
    pool_ended(net->pool);
    net->kernel->close(net->model);
    free(net);
}

/* Both: DLM_DONE, or why not. One pass at a time: a second caller waits. */
EXPORTED int dlm_read(dlm_network *net, const dlm_reading *reading) {
    pool_taken(net->pool);
    int failed = net->kernel->read(net->model, net->pool, reading);
    pool_given_back(net->pool);
    return failed;
}

EXPORTED int dlm_predict(dlm_network *net, const dlm_prediction *asked) {
    pool_taken(net->pool);
    int failed = net->kernel->predict(net->model, net->pool, asked);
    pool_given_back(net->pool);
    return failed;
}
