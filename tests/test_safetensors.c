#include "formats/half.h"
#include "formats/safetensors.h"
#include "support/shared.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Every binary16 value survives the way there and back; NaN stays NaN. */
static void half_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = f16_to_f32((uint16_t)h);
        int exponent = (int)(h >> 10 & 31);
        double mantissa = h & 1023, sign = h >> 15 ? -1 : 1;
        if (exponent == 31 && mantissa != 0) {
            assert_true(isnan(f));
            assert_true(isnan(f16_to_f32(f32_to_f16(f))));
            continue;
        }
        double want = exponent == 31  ? sign * INFINITY
                      : exponent == 0 ? sign * ldexp(mantissa, -24)
                                      : sign * ldexp(1024 + mantissa, exponent - 25);
        assert_true((double)f == want && !signbit(f) == !(h >> 15));
        assert_int_equal(f32_to_f16(f), h);
    }
}

/* Between two neighbours the nearer one is taken, in the middle the even one. */
static void half_rounding(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7bff; h++) {
        float low = f16_to_f32((uint16_t)h), high = f16_to_f32((uint16_t)(h + 1)), middle = (low + high) / 2;
        assert_int_equal(f32_to_f16(middle), h & 1 ? h + 1 : h);
        assert_int_equal(f32_to_f16(nextafterf(middle, low)), h);
        assert_int_equal(f32_to_f16(nextafterf(middle, high)), h + 1);
        assert_int_equal(f32_to_f16(-middle), (h & 1 ? h + 1 : h) | 0x8000);
    }
    assert_int_equal(f32_to_f16(65519.9f), 0x7bff);
    assert_int_equal(f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(f32_to_f16(3e38f), 0x7c00);
    assert_int_equal(f32_to_f16(-INFINITY), 0xfc00);
    assert_int_equal(f32_to_f16(1e-30f), 0);
    assert_int_equal(f32_to_f16(-1e-45f), 0x8000);
    assert_int_equal(f32_to_bf16(1.00390625f), 0x3f80); /* tie to even */
    assert_int_equal(f32_to_bf16(1.01171875f), 0x3f82);
    assert_int_equal(f32_to_bf16(3.4e38f), 0x7f80);
    uint32_t bits = 0x7f800001;
    float nan;
    memcpy(&nan, &bits, sizeof nan);
    assert_true(isnan(bf16_to_f32(f32_to_bf16(nan))) && isnan(f16_to_f32(f32_to_f16(nan))));
}

static enum status open_text(const char *header, size_t data_size, struct safetensors *st, unsigned char **bytes)
{
    size_t length = strlen(header);
    *bytes = test_malloc(8 + length + data_size + 1);
    for (int i = 0; i < 8; i++)
        (*bytes)[i] = (unsigned char)((uint64_t)length >> (8 * i));
    memcpy(*bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++)
        (*bytes)[8 + length + i] = (unsigned char)i;
    return safetensors_open_memory("memory", *bytes, 8 + length + data_size, st);
}

/* The header must be refused with a sentence that contains `word`. */
static void refuse(const char *header, size_t data_size, const char *word)
{
    struct safetensors st;
    unsigned char *bytes;
    assert_int_not_equal(open_text(header, data_size, &st, &bytes), OK);
    if (!strstr(fail_text(), word))
        fail_msg("expected \"%s\", got \"%s\"", word, fail_text());
    assert_null(st.tensors);
    test_free(bytes);
}

static void malformed(void **state)
{
    (void)state;
    refuse("", 0, "empty");
    refuse("[]", 0, "not a JSON object");
    refuse("{", 0, "memory:1");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
           8, "duplicate");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
           6, "overlaps");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[5,9]}}",
           9, "belong to no tensor");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5, "last 1 bytes");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "needs 8");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "ends at byte 4 of 3");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype F33");
    refuse("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "no dtype");
    refuse("{\"a\":[1,2]}", 4, "no dtype");
    refuse("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "no shape");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "not a size");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "not a size");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "9 dimensions");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967297],\"data_offsets\":[0,4]}}", 4, "overflows");
    refuse("{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693953],\"data_offsets\":[0,8]}}", 8, "overflows");
    refuse("{\"__metadata__\":{\"a\":1}}", 0, "not a string");
    refuse("{\"__metadata__\":3}", 0, "not an object");
    refuse("{\"a\":[[[[[[[[[]]]]]]]]]}", 0, "nested deeper");
    refuse("{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "memory:1");

    struct safetensors st;
    unsigned char huge[16] = {0, 0, 0, 0, 0, 0, 0, 0x80, '{', '}'};
    assert_int_equal(safetensors_open_memory("huge", huge, sizeof huge, &st), E_LIMIT);
    huge[7] = 0;
    huge[1] = 1;
    assert_int_equal(safetensors_open_memory("huge", huge, sizeof huge, &st), E_FORMAT);
    assert_int_equal(safetensors_open_memory("short", huge, 7, &st), E_FORMAT);
    assert_int_equal(safetensors_open("/nonexistent/file", &st), E_IO);
    safetensors_close(&st);
}

static void empty_and_scalar(void **state)
{
    (void)state;
    struct safetensors st;
    unsigned char *bytes;
    assert_int_equal(open_text("{\"none\":{\"dtype\":\"F32\",\"shape\":[2,0,4],\"data_offsets\":[0,0]},"
                               "\"one\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},"
                               "\"end\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[1,1]}}   ",
                               1, &st, &bytes),
                     OK);
    assert_int_equal(st.count, 3);
    assert_int_equal(safetensors_find(&st, "none")->count, 0);
    assert_int_equal(safetensors_find(&st, "one")->count, 1);
    assert_null(safetensors_find(&st, "two"));
    assert_null(safetensors_metadata(&st, "k"));
    safetensors_close(&st);
    test_free(bytes);
}

static void write_and_read(void **state)
{
    (void)state;
    const char *path = Y9_BINARY_DIR "/test_safetensors.tmp.safetensors";
    const float f32[6] = {1, -2, 3.5f, NAN, INFINITY, 1e-8f};
    const int64_t i64[1] = {-7};
    const unsigned char u8[3] = {1, 2, 255};
    struct safetensor_source sources[] = {
        {.name = "odd \"name\"\n\xc3\xa9", .dtype = DTYPE_U8, .rank = 1, .shape = {3}, .data = u8},
        {.name = "f32", .dtype = DTYPE_F32, .rank = 2, .shape = {2, 3}, .data = f32},
        {.name = "f16", .dtype = DTYPE_F16, .rank = 2, .shape = {3, 2}, .data = f32, .from_f32 = true},
        {.name = "i64", .dtype = DTYPE_I64, .rank = 0, .data = i64},
        {.name = "none", .dtype = DTYPE_F32, .rank = 1, .shape = {0}, .data = NULL},
    };
    struct safetensors_text texts[] = {{"yolo9.form", "training"}, {"text", "a: [1, \"x\"]\nb: \\"}};
    struct safetensors st;
    struct buf first = {0}, second = {0};
    assert_int_equal(safetensors_write(path, sources, COUNT(sources), texts, COUNT(texts)), OK);
    assert_int_equal(file_read(path, 10000, &first), OK);
    assert_int_equal(safetensors_open(path, &st), OK);
    assert_int_equal(st.count, COUNT(sources));
    for (int i = 0; i < st.count; i++) { /* the order is kept */
        assert_string_equal(st.tensors[i].name, sources[i].name);
        assert_int_equal(st.tensors[i].rank, sources[i].rank);
        assert_memory_equal(st.tensors[i].shape, sources[i].shape, sizeof sources[i].shape);
    }
    assert_string_equal(safetensors_metadata(&st, "text"), texts[1].value);
    float back[6];
    safetensor_read_f32(safetensors_find(&st, "f32"), back);
    assert_memory_equal(back, f32, sizeof f32);
    safetensor_read_f32(safetensors_find(&st, "f16"), back);
    assert_true(back[2] == 3.5f && isnan(back[3]) && isinf(back[4]) && back[5] == 0);
    safetensor_read_f32(safetensors_find(&st, "i64"), back);
    assert_true(back[0] == -7);
    safetensors_close(&st);
    assert_int_equal(safetensors_write(path, sources, COUNT(sources), texts, COUNT(texts)), OK);
    assert_int_equal(file_read(path, 10000, &second), OK);
    assert_true(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    /* Refusals leave the older file as it was. */
    sources[1].name = "f16";
    assert_int_equal(safetensors_write(path, sources, COUNT(sources), NULL, 0), E_ARGUMENT);
    sources[1].name = "bad \xff utf-8";
    assert_int_equal(safetensors_write(path, sources, COUNT(sources), NULL, 0), E_ARGUMENT);
    assert_int_equal(safetensors_open(path, &st), OK);
    safetensors_close(&st);
    for (size_t cut = 0; cut < first.size; cut++)
        assert_int_not_equal(safetensors_open_memory("cut", first.data, cut, &st), OK);
    unlink(path);
    buf_free(&first);
    buf_free(&second);
}

static void recorded_case(void **state)
{
    (void)state;
    struct safetensors st;
    assert_int_equal(safetensors_open(golden_file("loss/assign_zero.safetensors"), &st), OK);
    assert_string_equal(safetensors_metadata(&st, "kind"), "assigner");
    const struct safetensor *t = safetensors_find(&st, "pd_scores");
    assert_true(t && t->dtype == DTYPE_F32 && t->rank == 3 && t->shape[1] == 126);
    safetensors_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_round_trip),  cmocka_unit_test(half_rounding),  cmocka_unit_test(malformed),
        cmocka_unit_test(empty_and_scalar), cmocka_unit_test(write_and_read), cmocka_unit_test(recorded_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
