/* The network: its matrices in panels, opened and closed. */
#pragma once
#include "kept.h"

typedef struct {
    matrix qkv, o, gate_up, down;
    float *qkv_bias;
    const float *attention_norm, *feed_norm, *q_norm, *k_norm;
} layer;

typedef struct {
    char *memory;
    size_t size;
} workspace;

typedef struct {
    dlm_sizes sizes;
    dlm_weights weights;
    layer *layers;
    matrix head, pointer_query, pointer_states[2], pointer_tokens;
    workspace room;
} network;

static void closed(void *model) {
    network *net = model;
    for (int n = 0; net->layers && n < net->sizes.layers; n++) {
        layer *l = net->layers + n;
        free(l->qkv.words), free(l->o.words), free(l->gate_up.words), free(l->down.words), free(l->qkv_bias);
    }
    free(net->layers), free(net->head.words), free(net->pointer_query.words), free(net->pointer_tokens.words);
    free(net->pointer_states[0].words), free(net->pointer_states[1].words), free(net->room.memory), free(net);
}

static int layer_opened(layer *l, const dlm_sizes *s, const dlm_layer *w) {
    int64_t width = s->width, head = width / s->heads, keys = s->kv_heads * head, inner = s->feed_forward;
    l->attention_norm = w->attention_norm, l->feed_norm = w->feed_norm, l->q_norm = w->q_norm, l->k_norm = w->k_norm;
    if (matrix_made(&l->qkv, width, width + 2 * keys)) return 1;
    for (int64_t i = 0; i < width; i++) matrix_row(&l->qkv, i, w->q + i * width);
    for (int64_t i = 0; i < keys; i++) {
        matrix_row(&l->qkv, width + i, w->k + i * width);
        matrix_row(&l->qkv, width + keys + i, w->v + i * width);
    }
    if (s->qkv_bias) {
        l->qkv_bias = calloc((size_t)(l->qkv.panels * PANEL), sizeof(float));
        if (!l->qkv_bias) return 1;
        memcpy(l->qkv_bias, w->q_bias, (size_t)width * sizeof(float));
        memcpy(l->qkv_bias + width, w->k_bias, (size_t)keys * sizeof(float));
        memcpy(l->qkv_bias + width + keys, w->v_bias, (size_t)keys * sizeof(float));
    }
    /* Gate and up of the same channels lie in one panel: they meet in registers. */
    if (matrix_made(&l->gate_up, width, (inner + LANES - 1) / LANES * PANEL)) return 1;
    for (int64_t i = 0; i < inner; i++) {
        int64_t at = i / LANES * PANEL + i % LANES;
        matrix_row(&l->gate_up, at, w->gate + i * width);
        matrix_row(&l->gate_up, at + LANES, w->up + i * width);
    }
    return matrix_of(&l->o, width, width, w->o) || matrix_of(&l->down, inner, width, w->down);
}

static void *opened(const dlm_sizes *s, const dlm_weights *w) {
    network *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    net->sizes = *s, net->weights = *w;
    net->layers = calloc((size_t)s->layers, sizeof(layer));
    int failed = net->layers == NULL;
    for (int n = 0; n < s->layers && !failed; n++) failed = layer_opened(net->layers + n, s, w->layers + n);
    failed = failed || matrix_of(&net->head, s->width, s->vocab, w->head);
    failed = failed || matrix_of(&net->pointer_query, s->width, s->pointer, w->pointer_query);
    failed = failed || matrix_of(&net->pointer_tokens, 2 * s->width, s->pointer, w->pointer_tokens);
    for (int side = 0; side < 2; side++)
        failed = failed || matrix_of(&net->pointer_states[side], s->width, s->pointer, w->pointer_states[side]);
    if (!failed) return net;
    closed(net);
    return NULL;
}
