#include "ops/conv2d.h"

#include "graph/elements.h"
#include "ops/activation.h"
#include "ops/conv2d_internal.h"

#include <assert.h>

enum algorithm {
    DIRECT,
    STRASSEN,
    WINOGRAD,
    WINOGRAD_5,
    WINOGRAD_S2,
    BF16,
    BYTES,
    MATRIX_FP32,
    MATRIX_BF16,
    MATRIX_BYTES
};

/* What an algorithm needs and does in the forward pass. */
static const struct {
    size_t (*packed_floats)(const struct kernels *k, const struct call *c);
    size_t (*scratch_floats)(const struct kernels *k, const struct call *c);
    void (*pack)(const struct kernels *k, const struct call *c);
    void (*forward)(const struct kernels *k, const struct call *c);
} algorithms[] = {
    [DIRECT] = {direct_packed_floats, direct_scratch_floats, direct_pack, direct_forward},
    [STRASSEN] = {strassen_packed_floats, strassen_scratch_floats, strassen_pack, strassen_forward},
    [WINOGRAD] = {winograd_packed_floats, winograd_scratch_floats, winograd_pack, winograd_forward},
    [WINOGRAD_5] = {winograd_packed_floats, winograd_scratch_floats, winograd_pack, winograd_forward},
    [WINOGRAD_S2] = {winograd_packed_floats, winograd_scratch_floats, winograd_pack, winograd_forward},
    [BF16] = {bf16_packed_floats, bf16_scratch_floats, bf16_pack, bf16_forward},
    [BYTES] = {bytes_packed_floats, bytes_scratch_floats, bytes_pack, bytes_forward},
    [MATRIX_FP32] = {matrix_fp32_packed_floats, matrix_fp32_scratch_floats, matrix_fp32_pack, matrix_fp32_forward},
    [MATRIX_BF16] = {matrix_bf16_packed_floats, matrix_bf16_scratch_floats, matrix_bf16_pack, matrix_bf16_forward},
    [MATRIX_BYTES] = {matrix_bytes_packed_floats, matrix_bytes_scratch_floats, matrix_bytes_pack, matrix_bytes_forward},
};

/* A function of shape, features and options, never of a timing. */
static enum algorithm choose(const struct kernels *k, const struct call *c)
{
    if (conv_reads_bytes(&c->node->u.conv, c->src[0].c, &c->options))
        return matrix_bytes_fits(k, c) ? MATRIX_BYTES : BYTES;
    if (matrix_bf16_fits(k, c))
        return MATRIX_BF16;
    if (matrix_fp32_fits(k, c))
        return MATRIX_FP32;
    const bool fits = !c->options.exact && winograd_fits(c);
    if (fits && c->node->u.conv.stride == 1)
        return winograd_form(c) == WINO_S1_5 ? WINOGRAD_5 : WINOGRAD;
    if (bf16_fits(c))
        return BF16;
    if (!c->options.exact && strassen_fits(k, c))
        return STRASSEN;
    return fits ? WINOGRAD_S2 : DIRECT;
}

enum conv_numbers conv2d_exact_numbers(const struct call *c)
{
    const struct kernels table = kernels_for(c->options.features);
    struct call exact = *c;
    exact.options.exact = true;
    const enum algorithm chosen = choose(&table, &exact);
    if (chosen == BYTES || chosen == MATRIX_BYTES)
        return CONV_BYTES;
    return chosen == BF16 || chosen == MATRIX_BF16 ? CONV_BF16 : CONV_FLOATS;
}

/* How the data gradient is computed: with stride 2 direct. */
static enum algorithm choose_dgrad(const struct kernels *k, const struct call *c)
{
    if (matrix_dgrad_fits(k, c))
        return MATRIX_FP32;
    const bool winograd = !c->options.exact && c->node->u.conv.stride == 1 && winograd_fits(c);
    return winograd ? WINOGRAD : bf16_fits_dgrad(c) ? BF16 : DIRECT;
}

static const struct {
    size_t (*packed_floats)(const struct kernels *k, const struct call *c);
    size_t (*scratch_floats)(const struct kernels *k, const struct call *c);
    void (*pack)(const struct kernels *k, const struct call *c);
    void (*run)(const struct kernels *k, const struct call *c);
} dgrads[] = {
    [DIRECT] = {direct_packed_d_floats, direct_d_scratch_floats, direct_pack_d, direct_dgrad},
    [BF16] = {bf16_packed_d_floats, bf16_d_scratch_floats, bf16_pack_d, bf16_dgrad},
    [WINOGRAD] = {winograd_packed_d_floats, winograd_d_scratch_floats, winograd_pack_d, winograd_dgrad},
    [MATRIX_FP32] = {matrix_packed_d_floats, matrix_d_scratch_floats, matrix_pack_d, matrix_dgrad},
};

static bool wgrad_by_winograd(const struct kernels *k, const struct call *c)
{
    return !c->options.exact && c->node->u.conv.stride == 1 && winograd_fits(c) && wino_wgrad_fits(k, c);
}

/* The activations that the chosen algorithm's kernel has. */
static unsigned acts_of(const struct kernels *k, const struct call *c)
{
    const unsigned acts[] = {[DIRECT] = k->conv_tile->acts,
                             [STRASSEN] = k->strassen->acts,
                             [WINOGRAD] = k->winograd->acts,
                             [WINOGRAD_5] = k->winograd->acts,
                             [WINOGRAD_S2] = k->winograd->acts,
                             [BF16] = k->conv_bf16->tile->acts,
                             [BYTES] = k->conv_bytes->tile->acts,
                             [MATRIX_FP32] = k->matrix_fp32->kernel.acts,
                             [MATRIX_BF16] = k->matrix_bf16->kernel.acts,
                             [MATRIX_BYTES] = k->matrix_bytes->kernel.acts};
    return acts[c->variant];
}

static enum status conv2d_plan(struct call *c)
{
    const struct kernels table = kernels_for(c->options.features), *k = &table;
    const struct conv_shape s = conv_shape_of(c);
    assert(s.icg * s.groups == s.ic && s.ocg * s.groups == s.oc && s.oc == c->dst.c);
    c->variant = (int)choose(k, c);
    assert(c->src[0].element != ELEMENT_BF16 || (c->variant != DIRECT && c->variant != STRASSEN));
    assert(c->dst.element == ELEMENT_FLOAT || c->variant != STRASSEN);
    TRY(act_is_there(c->node, c->node->u.conv.act, acts_of(k, c), conv2d_variant_name(c)));
    c->packed_floats[0] = algorithms[c->variant].packed_floats(k, c);
    c->scratch_floats = algorithms[c->variant].scratch_floats(k, c);
    if (c->options.mode != RUN_INFER) {
        assert(!c->node->u.conv.residual && c->node->u.conv.act == ACT_NONE);
        const enum algorithm dgrad = choose_dgrad(k, c);
        c->packed_floats[1] = dgrads[dgrad].packed_floats(k, c);
        c->d_scratch_floats =
            MAX(dgrads[dgrad].scratch_floats(k, c),
                wgrad_by_winograd(k, c) ? wino_wgrad_scratch_floats(k, c) : wgrad_scratch_floats(k, c));
    }
    return OK;
}

static void conv2d_pack(const struct call *c)
{
    const struct kernels table = kernels_for(c->options.features), *k = &table;
    if (c->packed[0])
        algorithms[c->variant].pack(k, c);
    if (c->packed[1])
        dgrads[choose_dgrad(k, c)].pack(k, c);
}

static void conv2d_forward(const struct call *c)
{
    const struct kernels table = kernels_for(c->options.features), *k = &table;
    algorithms[c->variant].forward(k, c);
}

static void conv2d_backward(const struct call *c)
{
    const struct kernels table = kernels_for(c->options.features), *k = &table;
    if (c->d_src[0].data)
        dgrads[choose_dgrad(k, c)].run(k, c);
    if (c->d_param[0])
        wgrad_by_winograd(k, c) ? wino_wgrad(k, c) : direct_wgrad(k, c);
    if (c->d_param[1])
        bias_grad(c);
}

const char *conv2d_variant_name(const struct call *c)
{
    const struct kernels table = kernels_for(c->options.features), *k = &table;
    const char *const winograd = k->winograd->name[winograd_form(c)];
    const char *const names[] = {k->conv_tile->name,
                                 k->strassen->name,
                                 winograd,
                                 winograd,
                                 winograd,
                                 k->conv_bf16->tile->name,
                                 k->conv_bytes->tile->name,
                                 k->matrix_fp32->kernel.name,
                                 k->matrix_bf16->kernel.name,
                                 k->matrix_bytes->kernel.name};
    return names[c->variant];
}

const char *conv2d_variant_reason(const struct call *c)
{
    static const char *const reasons[] = {
        [STRASSEN] = "1x1 of many channels: 7 products in place of 8",
        [WINOGRAD] = "3x3, stride 1: F(4x4), 36 products in place of 144",
        [WINOGRAD_5] = "wide 3x3 on a large map: F(5x5), 49 products in place of 225",
        [WINOGRAD_S2] = "3x3, stride 2: 81 products in place of 144",
        [BF16] = "bf16 was asked for, and the channels are enough",
        [BYTES] = "8 bits were asked for, and its ranges are known",
        [MATRIX_FP32] = "there is a matrix unit, and so many terms make two bf16 parts exact enough",
        [MATRIX_BF16] = "bf16 was asked for, and there is a matrix unit",
        [MATRIX_BYTES] = "8 bits were asked for, and there is a matrix unit",
    };
    if (c->variant != DIRECT)
        return reasons[c->variant];
    if (c->options.exact)
        return "--exact";
    return c->node->u.conv.groups > 1 ? "groups have no other form" : "no other form is faster for this shape";
}

const struct op_impl cpu_conv2d = {.plan = conv2d_plan,
                                   .variant_name = conv2d_variant_name,
                                   .pack = conv2d_pack,
                                   .forward = conv2d_forward,
                                   .backward = conv2d_backward};
