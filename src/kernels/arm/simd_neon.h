/* Four floats: the vocabulary of the *_tmpl.h kernels in AArch64 NEON. */
#ifndef Y9_KERNELS_SIMD_NEON_H
#define Y9_KERNELS_SIMD_NEON_H

#include <arm_neon.h>

enum { VL = 4 };
typedef float32x4_t vf;

static inline vf v_zero(void)
{
    return vdupq_n_f32(0);
}
static inline vf v_set1(float x)
{
    return vdupq_n_f32(x);
}
static inline vf v_load(const float *p)
{
    return vld1q_f32(p);
}
static inline void v_store(float *p, vf x)
{
    vst1q_f32(p, x);
}
static inline vf v_load_n(const float *p, int n) /* first n lanes, zeros elsewhere; nothing else is touched */
{
    vf x = vdupq_n_f32(0);
    if (n >= 4)
        return vld1q_f32(p);
    if (n > 0)
        x = vld1q_lane_f32(p, x, 0);
    if (n > 1)
        x = vld1q_lane_f32(p + 1, x, 1);
    if (n > 2)
        x = vld1q_lane_f32(p + 2, x, 2);
    return x;
}
static inline void v_store_n(float *p, vf x, int n)
{
    if (n >= 4) {
        vst1q_f32(p, x);
        return;
    }
    if (n > 0)
        vst1q_lane_f32(p, x, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, x, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, x, 2);
}
static inline vf v_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}
static inline vf v_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}
static inline vf v_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}
static inline vf v_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}
static inline vf v_reciprocal(vf x)
{
    return v_div(v_set1(1), x);
}
static inline vf v_quotient(vf x, vf d)
{
    return v_div(x, d);
}
static inline vf v_fma(vf a, vf b, vf c) /* a*b + c */
{
    return vfmaq_f32(c, a, b);
}
static inline vf v_fms(vf a, vf b, vf c) /* a*b - c */
{
    return vfmaq_f32(vnegq_f32(c), a, b);
}
static inline vf v_fnma(vf a, vf b, vf c) /* c - a*b */
{
    return vfmsq_f32(c, a, b);
}
static inline vf v_min(vf a, vf b) /* NaN where either is */
{
    return vminq_f32(a, b);
}
static inline vf v_max(vf a, vf b) /* NaN where either is */
{
    return vmaxq_f32(a, b);
}
static inline vf v_limit(vf x, float most) /* x within -most .. most; anything where it is NaN */
{
    return v_min(v_set1(most), v_max(v_set1(-most), x));
}
static inline vf v_round(vf x)
{
    return vrndnq_f32(x);
}
static inline vf v_scale(vf x, vf n) /* x * 2^n, n whole, -126 .. 127 */
{
    int32x4_t e = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
    return vmulq_f32(x, vreinterpretq_f32_s32(e));
}

/* --- choices between lanes --- */
typedef uint32x4_t vmask; /* all ones or all zeros a lane */

static inline vmask v_gt(vf a, vf b)
{
    return vcgtq_f32(a, b);
}
static inline vmask v_eq(vf a, vf b)
{
    return vceqq_f32(a, b);
}
static inline vmask v_isnan(vf x)
{
    return vmvnq_u32(vceqq_f32(x, x));
}
static inline vmask vmask_or(vmask a, vmask b)
{
    return vorrq_u32(a, b);
}
static inline vf v_select(vmask m, vf a, vf b) /* a where m, b elsewhere */
{
    return vbslq_f32(m, a, b);
}

/* --- bytes 0 .. 255 as floats; nothing but the first n is touched --- */
static inline vf v_load_bytes_n(const unsigned char *p, int n)
{
    uint32_t all[4] = {0};
    for (int i = 0; i < n; i++)
        all[i] = p[i];
    return vcvtq_f32_u32(vld1q_u32(all));
}
static inline void v_store_bytes_n(unsigned char *p, vf x, int n)
{
    uint32_t all[4];
    vst1q_u32(all, vcvtq_u32_f32(x));
    for (int i = 0; i < n; i++)
        p[i] = (unsigned char)all[i];
}

/* --- bf16 (kernels/bf16_inline.h) as floats; nothing but the first n is touched --- */
static inline vf v_load_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(p)), 16));
}
static inline vf v_load_bf16_n(const uint16_t *p, int n)
{
    uint16_t all[4] = {0};
    for (int i = 0; n < VL && i < n; i++)
        all[i] = p[i];
    return v_load_bf16(n < VL ? all : p);
}
static inline void v_store_bf16(uint16_t *p, vf x)
{
    const uint32x4_t bits = vreinterpretq_u32_f32(x), high = vshrq_n_u32(bits, 16);
    const uint32x4_t even = vandq_u32(high, vdupq_n_u32(1));
    uint32x4_t y = vshrq_n_u32(vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), even), 16);
    const uint32x4_t small = vceqq_u32(vandq_u32(bits, vdupq_n_u32(0x7f800000)), vdupq_n_u32(0));
    y = vbslq_u32(small, vandq_u32(high, vdupq_n_u32(0x8000)), y);
    y = vbslq_u32(vceqq_f32(x, x), y, vorrq_u32(high, vdupq_n_u32(0x40)));
    vst1_u16(p, vmovn_u32(y));
}
static inline void v_store_bf16_n(uint16_t *p, vf x, int n)
{
    uint16_t all[4];
    v_store_bf16(n < VL ? all : p, x);
    for (int i = 0; n < VL && i < n; i++)
        p[i] = all[i];
}

/* --- the lower and the upper half as doubles --- */
typedef float64x2_t vd;

static inline vd v_low(vf x)
{
    return vcvt_f64_f32(vget_low_f32(x));
}
static inline vd v_high(vf x)
{
    return vcvt_high_f64_f32(x);
}
static inline vd vd_zero(void)
{
    return vdupq_n_f64(0);
}
static inline vd vd_set1(double x)
{
    return vdupq_n_f64(x);
}
static inline vd vd_load(const double *p)
{
    return vld1q_f64(p);
}
static inline void vd_store(double *p, vd x)
{
    vst1q_f64(p, x);
}
static inline vd vd_add(vd a, vd b)
{
    return vaddq_f64(a, b);
}
static inline vd vd_mul(vd a, vd b)
{
    return vmulq_f64(a, b);
}
static inline vd vd_fma(vd a, vd b, vd c) /* a*b + c */
{
    return vfmaq_f64(c, a, b);
}
static inline vf v_of_halves(vd low, vd high)
{
    return vcvt_high_f32_f64(vcvt_f32_f64(low), high);
}

#endif
