/* What library.c (with the threads of pool.h) and kernel.c (arithmetic, compiled once per instruction set) share.
 *
 * All arrays are C-contiguous. Sizes: N tokens of a pass, D channels of a head, R predictions, P and S tokens of the
 * left-to-right and the right-to-left stream. Keys lie in blocks of ROOM_STEP tokens, with the tokens along their rows,
 * values with their channels along theirs: both products of attention read them as they lie, one address after the
 * other. `room`: for how many tokens the arrays have been laid out, a multiple of ROOM_STEP.
 */
#pragma once
#include <stdint.h>

enum { ROOM_STEP = 32 };

typedef struct {
    int32_t vocab, width, layers, heads, kv_heads, feed_forward, pointer, qkv_bias, qk_norm;
    float norm_eps;
} dlm_sizes;

/* One layer's weights. uint16_t: bfloat16 [out, in]; float: vectors. Biases and q_norm, k_norm NULL where there are none. */
typedef struct {
    const float *attention_norm, *feed_norm, *q_norm, *k_norm, *q_bias, *k_bias, *v_bias;
    const uint16_t *q, *k, *v, *o, *gate, *up, *down;
} dlm_layer;

typedef struct {
    const uint16_t *embedding, *head, *pointer_query, *pointer_states[2], *pointer_tokens;
    const float *role, *norm, *pointer_gate;
    float pointer_gate_bias;
    const dlm_layer *layers;
} dlm_weights;

/* keys [layers, KV, room / ROOM_STEP, D, ROOM_STEP]; values [layers, KV, room, D]: float32, or bfloat16, of which two
 * channels of a key and two values lie side by side (keys […, D / 2, ROOM_STEP, 2], values […, room / 2, D, 2]).
 * pointers [room / ROOM_STEP, pointer, ROOM_STEP]; ids: of the tokens, in reading order. */
typedef struct {
    void *keys, *values;
    float *pointers;
    const int64_t *ids;
    int64_t room;
} dlm_stream;

/* cos, sin [positions, D / 2] */
typedef struct {
    const float *cos, *sin;
    int64_t positions;
} dlm_rotation;

/* What a pass may come to: nothing is computed but where all is well. */
enum { DLM_DONE, DLM_NO_MEMORY, DLM_UNKNOWN_TOKEN, DLM_BEYOND_ROTATION };

/* n tokens of one stream (side 0: left to right) behind the `start` tokens that it has: what they leave is written
 * into it. before [n]: the token left of each in the text. */
typedef struct {
    int64_t n, side, start;
    const int64_t *ids, *before;
    dlm_rotation rotation;
    dlm_stream stream;
} dlm_reading;

/* A pass over n tokens of a canvas.
 *
 * ahead_seen, back_seen [n]: how many tokens of each stream a token sees. own_seen [n, own_start + n]: which tokens that
 * were written into the canvas before (keys and values in `own`; own.keys NULL: none) and which of this pass it sees.
 * What this pass leaves is put into `own` behind them.
 *
 * rows [rows_n]: which tokens predict. standing [standing_n, 2]: (of these rows, id). whole [whole_n]: which of these rows
 * are handed out as they are. Only end_id and ids from `first_id` on are predicted; they are numbered from 0 in this order.
 * top, top_ids [R, top_k]; total, plogp [R]; current [standing_n]; distributions [whole_n, vocab - first_id + 1].
 */
typedef struct {
    int64_t n;
    const int64_t *ids, *position, *back_position, *ahead_seen, *back_seen;
    const uint8_t *own_seen;
    dlm_rotation rotation;
    dlm_stream ahead, back, own;
    int64_t own_start;
    int64_t rows_n, standing_n, whole_n, top_k, end_id, first_id, entropies;
    const int64_t *rows, *standing, *whole;
    float *top, *total, *plogp, *current, *distributions;
    int64_t *top_ids;
} dlm_prediction;

/* Runs tile(job, number, thread) for every number below `tiles`, on all threads of the pool; returns when all are done. */
typedef void (*dlm_tile)(void *job, int number, int thread);
typedef struct dlm_pool dlm_pool;
void dlm_spread(dlm_pool *pool, dlm_tile tile, void *job, int tiles);
int dlm_threads(const dlm_pool *pool);

/* What each compilation of kernel.c offers. open: NULL where there is no memory; read, predict: DLM_DONE or why not. */
typedef struct {
    const char *name;
    int kept_bytes; /* of a number of keys and values */
    double (*try)(void); /* seconds of a product, to choose by */
    void *(*open)(const dlm_sizes *, const dlm_weights *);
    void (*close)(void *model);
    int (*read)(void *model, dlm_pool *, const dlm_reading *);
    int (*predict)(void *model, dlm_pool *, const dlm_prediction *);
} dlm_kernel;
