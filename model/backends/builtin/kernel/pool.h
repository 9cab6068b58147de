/* Threads that share the tiles of a step.
 *
 * A step of a pass is a few tiles of microseconds, so who waits spins; but never for long, and nobody ever waits for a
 * thread that has not begun: the caller runs every tile that no other thread has taken. On a busy machine that makes it
 * as fast as one thread, not slower. From one pass of a search to the next the other threads stay awake, giving way to
 * whoever has work: to be woken takes a tenth of a pass, and on a busy machine half of one. After that they sleep.
 */
#pragma once
#include "kernel.h"

#include <stdatomic.h>
#include <stdlib.h>

#if !defined(_WIN32)
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif

#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("isb")
#else
#define PAUSE() (void)0
#endif

enum { SPINS = 2000, YIELDS = 400, MOST_THREADS = 64, TILE_BITS = 10, MOST_TILES = (1 << TILE_BITS) - 1 };

#if defined(_WIN32)

struct dlm_pool { int threads; };

void dlm_spread(dlm_pool *pool, dlm_tile tile, void *job, int tiles) {
    (void)pool;
    for (int n = 0; n < tiles; n++) tile(job, n, 0);
}

static dlm_pool *pool_made(int threads) {
    dlm_pool *pool = calloc(1, sizeof *pool);
    (void)threads;
    if (pool) pool->threads = 1;
    return pool;
}

static void pool_ended(dlm_pool *pool) { free(pool); }
static void pool_taken(dlm_pool *pool) { (void)pool; }
static void pool_given_back(dlm_pool *pool) { (void)pool; }

#else

struct dlm_pool {
    int threads, started;
    pid_t process;
    _Atomic uint64_t ticket; /* which spread (34 bits), how many tiles there are, are taken from the front, from the back */
    _Atomic int done, sleeping, ending;
    dlm_tile tile;
    void *job;
    int first;
    pthread_mutex_t in_use, gate;
    pthread_cond_t wake;
    pthread_t ids[MOST_THREADS];
};

typedef struct {
    dlm_pool *pool;
    int number;
} worker;

static uint64_t tiles_of(uint64_t ticket) { return ticket >> 2 * TILE_BITS & MOST_TILES; }
static uint64_t front_of(uint64_t ticket) { return ticket >> TILE_BITS & MOST_TILES; }
static uint64_t back_of(uint64_t ticket) { return ticket & MOST_TILES; }
static int has_tiles(uint64_t ticket) { return front_of(ticket) + back_of(ticket) < tiles_of(ticket); }

/* Runs a tile that nobody has taken; 0 if there is none. Every second thread takes them from the back: what a thread has
 * written in one spread (rows of a chunk) is then mostly what it reads in the next, and still lies in its own cache. */
static int one_tile(dlm_pool *pool, int thread) {
    uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    int from_back = thread % 2;
    while (has_tiles(ticket)) {
        uint64_t taken = ticket + (from_back ? 1 : 1 << TILE_BITS);
        if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, taken, memory_order_acq_rel, memory_order_acquire))
            continue;
        /* A tile that is taken and not done keeps the spread from ending: what follows is that spread's. */
        int next = (int)(from_back ? tiles_of(ticket) - 1 - back_of(ticket) : front_of(ticket));
        pool->tile(pool->job, pool->first + next, thread);
        atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
        return 1;
    }
    return 0;
}

static void *worked(void *given) {
    worker me = *(worker *)given;
    dlm_pool *pool = me.pool;
    free(given);
    while (!atomic_load(&pool->ending)) {
        int spins = 0;
        while (spins++ < SPINS + YIELDS) {
            if (one_tile(pool, me.number)) spins = 0;
            else if (spins < SPINS) PAUSE();
            else sched_yield();
        }
        pthread_mutex_lock(&pool->gate);
        atomic_fetch_add(&pool->sleeping, 1);
        while (!has_tiles(atomic_load(&pool->ticket)) && !atomic_load(&pool->ending)) pthread_cond_wait(&pool->wake, &pool->gate);
        atomic_fetch_sub(&pool->sleeping, 1);
        pthread_mutex_unlock(&pool->gate);
    }
    return NULL;
}

static void woken(dlm_pool *pool) {
    pthread_mutex_lock(&pool->gate);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->gate);
}

static void spread_some(dlm_pool *pool, int first, int tiles) {
    uint64_t spread = atomic_load_explicit(&pool->ticket, memory_order_relaxed) >> 3 * TILE_BITS;
    pool->first = first;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    atomic_store(&pool->ticket, (spread + 1) << 3 * TILE_BITS | (uint64_t)tiles << 2 * TILE_BITS);
    if (atomic_load(&pool->sleeping)) woken(pool);
    while (one_tile(pool, 0)) {}
    for (int spins = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < tiles; spins++) {
        if (spins < SPINS) PAUSE();
        else sched_yield();
    }
}

void dlm_spread(dlm_pool *pool, dlm_tile tile, void *job, int tiles) {
    if (pool->threads == 1 || tiles == 1) {
        for (int n = 0; n < tiles; n++) tile(job, n, 0);
        return;
    }
    pool->tile = tile, pool->job = job;
    for (int first = 0; first < tiles; first += MOST_TILES)
        spread_some(pool, first, tiles - first < MOST_TILES ? tiles - first : MOST_TILES);
}

static dlm_pool *pool_made(int threads) {
    dlm_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    pthread_mutex_init(&pool->in_use, NULL);
    return pool;
}

/* The other threads, at the first pass: a process that only looks at a model has none, and a fork starts its own. */
static void pool_started(dlm_pool *pool) {
    if (pool->started && pool->process == getpid()) return;
    pthread_mutex_init(&pool->gate, NULL);
    pthread_cond_init(&pool->wake, NULL);
    atomic_store(&pool->ticket, 0);
    atomic_store(&pool->sleeping, 0);
    pool->started = 1, pool->process = getpid();
    int wanted = pool->threads;
    for (int n = 1; n < wanted; n++) {
        worker *given = malloc(sizeof *given);
        if (given) *given = (worker){pool, n};
        if (given && pthread_create(&pool->ids[n], NULL, worked, given) == 0) continue;
        free(given);
        pool->threads = n; /* as many as there may be */
        break;
    }
}

static void pool_taken(dlm_pool *pool) {
    if (pool->started && pool->process != getpid()) pthread_mutex_init(&pool->in_use, NULL);
    pthread_mutex_lock(&pool->in_use);
    pool_started(pool);
}

static void pool_given_back(dlm_pool *pool) { pthread_mutex_unlock(&pool->in_use); }

static void pool_ended(dlm_pool *pool) {
    if (pool->started && pool->process == getpid()) {
        atomic_store(&pool->ending, 1);
        woken(pool);
        for (int n = 1; n < pool->threads; n++) pthread_join(pool->ids[n], NULL);
    }
    free(pool);
}

#endif

int dlm_threads(const dlm_pool *pool) { return pool->threads; }
