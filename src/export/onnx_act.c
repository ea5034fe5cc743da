/* Activations -> ONNX: act_FORM_onnx for each formula of kernels/act.def returns the name of the activated map. */
#include "export/onnx_nodes.h"

static const char *act_none_onnx(struct onnx_export *e, const char *label, const char *x, float a)
{
    (void)e, (void)label, (void)a;
    return x;
}

static const char *act_silu_onnx(struct onnx_export *e, const char *label, const char *x, float a)
{
    (void)a;
    return onnx_binary(&e->b, "Mul", label, x, onnx_unary(&e->b, "Sigmoid", label, x));
}

static const char *act_relu_onnx(struct onnx_export *e, const char *label, const char *x, float a)
{
    (void)a;
    return onnx_unary(&e->b, "Relu", label, x);
}

static const char *act_relu6_onnx(struct onnx_export *e, const char *label, const char *x, float a)
{
    (void)a;
    if (!e->limits[0]) {
        e->limits[0] = onnx_number(&e->b, "relu6.least", e->type, 0);
        e->limits[1] = onnx_number(&e->b, "relu6.most", e->type, 6);
    }
    const char *in[] = {x, e->limits[0], e->limits[1]};
    return onnx_out(onnx_add(&e->b, &(struct onnx_op){"Clip", label, COUNT(in), in, NULL}));
}

static const char *act_leaky_onnx(struct onnx_export *e, const char *label, const char *x, float a)
{
    Onnx__NodeProto *n = onnx_add(&e->b, &(struct onnx_op){"LeakyRelu", label, 1, &x, NULL});
    onnx_set_float(&e->b, n, "alpha", a);
    return onnx_out(n);
}

/* x HardSigmoid(x): HardSwish itself is known from opset 14 on only. */
static const char *act_hardswish_onnx(struct onnx_export *e, const char *label, const char *x, float a)
{
    (void)a;
    Onnx__NodeProto *n = onnx_add(&e->b, &(struct onnx_op){"HardSigmoid", label, 1, &x, NULL});
    onnx_set_float(&e->b, n, "alpha", 1.0f / 6);
    onnx_set_float(&e->b, n, "beta", 0.5f);
    return onnx_binary(&e->b, "Mul", label, x, onnx_out(n));
}

const char *onnx_activation(struct onnx_export *e, const char *label, enum act act, const char *x)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...) \
    case ACT_##id:                           \
        return act_##form##_onnx(e, label, x, parameter);
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
    return NULL; /* no plan lets such a graph through */
}
