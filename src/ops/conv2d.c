#include "ops/conv2d.h"

#include "ops/conv2d_internal.h"

#include <assert.h>

_Static_assert((int)ACT_NONE == (int)KERNEL_ACT_NONE && (int)ACT_SILU == (int)KERNEL_ACT_SILU &&
                   (int)ACT_RELU == (int)KERNEL_ACT_RELU,
               "enum act and enum kernel_act agree");

enum algorithm { DIRECT, WINOGRAD };

/* A function of shape, features and options, never of a timing. Forward and data gradient choose alike. */
static enum algorithm choose(const struct call *c)
{
    return !c->options.exact && winograd_fits(c) ? WINOGRAD : DIRECT;
}

static bool wgrad_by_winograd(const struct kernels *k, const struct call *c)
{
    return c->variant == WINOGRAD && wino_wgrad_fits(k, c);
}

static enum status conv2d_plan(struct call *c)
{
    const struct kernels *k = kernels_for(c->options.features);
    const struct conv_shape s = conv_shape_of(c);
    assert(s.icg * s.groups == s.ic && s.ocg * s.groups == s.oc && s.oc == c->dst.c);
    const bool winograd = (c->variant = (int)choose(c)) == WINOGRAD;
    c->packed_floats[0] = winograd ? winograd_packed_floats(k, &s) : direct_packed_floats(k, &s);
    c->scratch_floats = winograd ? winograd_scratch_floats(k, c) : direct_scratch_floats(k, c);
    if (c->options.mode != RUN_INFER) {
        assert(!c->node->u.conv.residual && c->node->u.conv.act == ACT_NONE);
        c->packed_floats[1] = winograd ? winograd_packed_d_floats(k, &s) : direct_packed_d_floats(k, &s);
        c->d_scratch_floats =
            MAX(winograd ? winograd_d_scratch_floats(k, c) : direct_d_scratch_floats(k, c),
                wgrad_by_winograd(k, c) ? wino_wgrad_scratch_floats(k, c) : wgrad_scratch_floats(k, c));
    }
    return OK;
}

static void conv2d_pack(const struct call *c)
{
    const struct kernels *k = kernels_for(c->options.features);
    const bool winograd = c->variant == WINOGRAD;
    if (c->packed[0])
        winograd ? winograd_pack(k, c) : direct_pack(k, c);
    if (c->packed[1])
        winograd ? winograd_pack_d(k, c) : direct_pack_d(k, c);
}

static void conv2d_forward(const struct call *c)
{
    const struct kernels *k = kernels_for(c->options.features);
    c->variant == WINOGRAD ? winograd_forward(k, c) : direct_forward(k, c);
}

static void conv2d_backward(const struct call *c)
{
    const struct kernels *k = kernels_for(c->options.features);
    if (c->d_src[0].data)
        c->variant == WINOGRAD ? winograd_dgrad(k, c) : direct_dgrad(k, c);
    if (c->d_param[0])
        wgrad_by_winograd(k, c) ? wino_wgrad(k, c) : direct_wgrad(k, c);
    if (c->d_param[1])
        bias_grad(c);
}

const struct op_impl cpu_conv2d = {conv2d_plan, conv2d_pack, conv2d_forward, NULL, conv2d_backward};

const char *conv2d_variant_name(const struct call *c)
{
    const struct kernels *k = kernels_for(c->options.features);
    return c->variant == WINOGRAD ? k->winograd->name : k->conv_tile->name;
}
