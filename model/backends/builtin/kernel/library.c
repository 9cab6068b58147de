/* The choice of the instruction set, and what Python calls (through ctypes, which lets other threads run). */
#include "pool.h"

#include <string.h>
#if defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

extern const dlm_kernel dlm_kernel_base;
#if defined(HAVE_DOTPROD)
extern const dlm_kernel dlm_kernel_dotprod;
#endif
#if defined(HAVE_AVX2)
extern const dlm_kernel dlm_kernel_avx2;
#endif
#if defined(HAVE_AVXVNNI)
extern const dlm_kernel dlm_kernel_avxvnni;
#endif
#if defined(HAVE_AVX512VNNI)
extern const dlm_kernel dlm_kernel_avx512vnni;
#endif

typedef struct {
    const dlm_kernel *kernel;
    void *network;
    dlm_pool *pool;
} dlm_network;

#if defined(HAVE_AVXVNNI)
#include <cpuid.h>
/* GCC 12 cannot be asked for it. The system keeps the wide registers where it does so for AVX2. */
static int has_avx_vnni(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1;
}
#endif

/* The kernel for this processor, at most `wanted` ("" for the best there is). */
static const dlm_kernel *chosen(const char *wanted) {
    static const char *const order[] = {"base", "dotprod", "avx2", "avxvnni", "avx512vnni"};
    int most = 4;
    for (int i = 0; i < 5; i++)
        if (!strcmp(wanted, order[i])) most = i;
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    (void)avx2;
#if defined(HAVE_AVX512VNNI)
    if (most >= 4 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        return &dlm_kernel_avx512vnni;
#endif
#if defined(HAVE_AVXVNNI)
    if (most >= 3 && avx2 && has_avx_vnni()) return &dlm_kernel_avxvnni;
#endif
#if defined(HAVE_AVX2)
    if (most >= 2 && avx2) return &dlm_kernel_avx2;
#endif
#endif
#if defined(HAVE_DOTPROD)
#if defined(__APPLE__)
    if (most >= 1) return &dlm_kernel_dotprod; /* every one of Apple's */
#elif defined(__linux__)
    if (most >= 1 && getauxval(AT_HWCAP) & 1ul << 20 /* asimddp */) return &dlm_kernel_dotprod;
#endif
#endif
    (void)most;
    return &dlm_kernel_base;
}

/* A library that was made from other sources than those beside it is not called: see sources.py. */
EXPORTED const char dlm_sources[] = SOURCES;

EXPORTED const char *dlm_variant(const char *wanted) { return chosen(wanted)->name; }

/* A network with these weights, which have to stay where they are; NULL: no memory. */
EXPORTED dlm_network *dlm_open(const dlm_weights *weights, int threads, const char *wanted) {
    dlm_network *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    net->kernel = chosen(wanted);
    net->pool = pool_made(threads);
    net->network = net->pool ? net->kernel->open(weights) : NULL;
    if (net->network) return net;
    if (net->pool) pool_ended(net->pool);
    free(net);
    return NULL;
}

EXPORTED void dlm_close(dlm_network *net) {
    pool_ended(net->pool);
    net->kernel->close(net->network);
    free(net);
}

/* DLM_DONE, or why not. One pass at a time: a second caller waits. */
EXPORTED int dlm_run(dlm_network *net, const dlm_pass *pass) {
    pool_taken(net->pool);
    int failed = net->kernel->run(net->network, net->pool, pass);
    pool_given_back(net->pool);
    return failed;
}
