/* A pass of the built-in network, for one instruction set. Weights stay packed and mapped; activations become whole numbers
 * of 8 bits with a scale for each group; all else is float32, and keys and values are kept as float16.
 *
 * Why our own: it reads a context 2.5 times faster than ONNX Runtime's products alone, and runs passes of 1, 6, 16 and 32
 * rows 1.5, 1.6, 2.2 and 2.5 times faster, attention and predictions included (`dlm-fill bench kernel`, two busy cores of
 * Zen 5). Otherwise idle, they read a token in 0.6 ms and take 7, 8.5, 15 and 26 ms for the passes behind 792 tokens.
 * Activations of 8 bits cost 0.0006 nats (divergence from float activations on the same weights).
 */
#include "head.h"

static part part_of(const pass *p, const dlm_layer *layer, int which, float *out, int64_t ld, int reduced_number) {
    int low = p->rank && layer->low[which].rank;
    return (part){.w = &layer->matrix[which], .out = out, .ld = ld, .low = &layer->low[which],
                  .reduced = low ? reduced_at(p, reduced_number, 0, 0) : NULL};
}

static void attention_run(pass *p, int64_t number) {
    const dlm_weights *w = &p->net->weights;
    const dlm_layer *layer = p->net->layers + number;
    const dlm_pass *of = p->asked_for;
    product asked = {.count = 3, .n = p->n, .tile = 2, .a = &p->by_width};
    float *at[3] = {p->asked, p->asked + p->queries_n, p->asked + p->queries_n + p->keys_n};
    for (int i = 0; i < 3; i++) asked.parts[i] = part_of(p, layer, Q + i, at[i], p->ask_ld, i), asked.parts[i].bias = layer->bias[i];
    multiplied(p->pool, &asked);
    const dlm_store *into = of->reading ? &of->stored : &of->scratch;
    int64_t head = w->head_width, each = w->kv_heads * BLOCK * head;
    put_step put = {p, into->keys + number * into->blocks * each, into->values + number * into->blocks * each, into->blocks};
    dlm_spread(p->pool, put_tile, &put, (int)((p->n + ROWS_TILE - 1) / ROWS_TILE));
    int64_t share = w->heads / w->kv_heads, tiles = (p->n * share + TILE - 1) / TILE;
    attention a = {
        .queries = p->asked, .n = p->n, .ld = p->ask_ld, .heads = w->heads, .kv_heads = w->kv_heads, .head = head,
        .keys = of->stored.keys + number * of->stored.blocks * each,
        .values = of->stored.values + number * of->stored.blocks * each, .blocks = of->stored.blocks,
        .scratch_keys = of->scratch.keys + number * of->scratch.blocks * each,
        .scratch_values = of->scratch.values + number * of->scratch.blocks * each, .scratch_blocks = of->scratch.blocks,
        .tiles = tiles, .room = p->room, .context = of->context, .seen = &p->seen, .scores = p->scores,
        .places = p->places, .next = &p->by_heads, .wide = p->rank ? p->wide : NULL,
    };
    dlm_spread(p->pool, attend, &a, (int)(tiles * w->kv_heads));
    if (p->rank && layer->low[O].rank)
        rows_run(p, &(row_step){.x = p->wide, .n = p->n, .k = p->queries_n, .low = &layer->low[O], .low_n = 1});
    product out = {.parts = {part_of(p, layer, O, p->states, w->width, 0)}, .count = 1, .n = p->n, .tile = 1, .a = &p->by_heads};
    out.parts[0].add = 1;
    multiplied(p->pool, &out);
}

static void feed_forward_run(pass *p, int64_t number) {
    const dlm_weights *w = &p->net->weights;
    const dlm_layer *layer = p->net->layers + number;
    gated g = {.gate = part_of(p, layer, GATE, NULL, 0, 0), .up = part_of(p, layer, UP, NULL, 0, 1), .n = p->n,
               .ld = w->feed_forward, .a = &p->by_width, .next = &p->by_feed, .wide = p->rank ? p->wide : NULL};
    dlm_spread(p->pool, gated_tile, &g, (g.gate.w->panels + GATED_PANELS - 1) / GATED_PANELS);
    if (p->rank && layer->low[DOWN].rank)
        rows_run(p, &(row_step){.x = p->wide, .n = p->n, .k = w->feed_forward, .low = &layer->low[DOWN], .low_n = 1});
    product out = {.parts = {part_of(p, layer, DOWN, p->states, w->width, 0)}, .count = 1, .n = p->n, .tile = 1, .a = &p->by_feed};
    out.parts[0].add = 1;
    multiplied(p->pool, &out);
}

static int run(void *opened, dlm_pool *pool, const dlm_pass *of) {
    network *net = opened;
    const dlm_weights *w = &net->weights;
    pass p = {.net = net, .pool = pool, .asked_for = of};
    if (memory_made(&p)) return DLM_NO_MEMORY;
    for (int64_t i = 0; i < p.n; i++) embedded(net, of->ids[i], p.states + i * w->width);
    for (int64_t n = 0; n < w->layers; n++) {
        const dlm_layer *layer = net->layers + n;
        grouped(&p.by_width, layer->matrix[Q].group); /* and of K and V */
        grouped(&p.by_heads, layer->matrix[O].group);
        rows_run(&p, &(row_step){.x = p.states, .weight = layer->input_norm, .n = p.n, .k = w->width, .into = &p.by_width,
                                 .low = &layer->low[Q], .low_n = p.rank ? 3 : 0});
        attention_run(&p, n);
        grouped(&p.by_width, layer->matrix[GATE].group); /* and of UP */
        grouped(&p.by_feed, layer->matrix[DOWN].group);
        rows_run(&p, &(row_step){.x = p.states, .weight = layer->post_norm, .n = p.n, .k = w->width, .into = &p.by_width,
                                 .low = &layer->low[GATE], .low_n = p.rank ? 2 : 0});
        feed_forward_run(&p, n);
    }
    predicted(&p);
    return DLM_DONE;
}

static void *opened(const dlm_weights *weights) {
    network *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    size_t bytes = (size_t)weights->layers * sizeof(dlm_layer);
    net->weights = *weights;
    net->layers = malloc(bytes);
    if (!net->layers) {
        free(net);
        return NULL;
    }
    memcpy(net->layers, weights->layer, bytes);
    for (int64_t n = 0; n < weights->layers; n++)
        for (int i = 0; i < PROJECTIONS; i++)
            if (net->layers[n].low[i].rank > net->low_rank) net->low_rank = (int)net->layers[n].low[i].rank;
    return net;
}

static void closed(void *network_) {
    network *net = network_;
    free(net->memory), free(net->layers), free(net);
}

const dlm_kernel JOINED(dlm_kernel_, VARIANT) = {.name = QUOTED(VARIANT), .open = opened, .close = closed, .run = run};
