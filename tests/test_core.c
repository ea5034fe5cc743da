/* core/: status, memory, buffers, files, paths, random numbers, the team. */
#include "core/buf.h"
#include "core/cpu.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/parallel.h"
#include "core/path.h"
#include "core/rng.h"
#include "core/status.h"
#include "support/folder.h"
#include "support/unit.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *in_folder(const char *name)
{
    char *path = path_join(folder, name);
    assert_non_null(path);
    return path;
}

/* --- status --- */

static void *sentence_of_other_thread(void *out)
{
    fail(E_IO, "other");
    memcpy(out, fail_text(), 6);
    return NULL;
}

static void status_keeps_a_sentence(void **state)
{
    (void)state;
    assert_int_equal(fail(E_FORMAT, "%s: tensor %d is short", "a.pt", 7), E_FORMAT);
    assert_string_equal(fail_text(), "a.pt: tensor 7 is short");
    assert_int_equal(fail_prefix(E_FORMAT, "folder %s", "x"), E_FORMAT);
    assert_string_equal(fail_text(), "folder x: a.pt: tensor 7 is short");
    fail(E_LIMIT, "again, %s", fail_text()); /* the old sentence as an argument of the new one */
    assert_string_equal(fail_text(), "again, folder x: a.pt: tensor 7 is short");
    errno = ENOSPC;
    assert_int_equal(fail_errno("%s", "b.pt"), E_IO);
    assert_non_null(strstr(fail_text(), "No space left"));

    char other[8] = "";
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sentence_of_other_thread, other), 0);
    pthread_join(thread, NULL);
    assert_string_equal(other, "other");
    assert_non_null(strstr(fail_text(), "b.pt")); /* untouched by the other thread */
}

static void a_sentence_is_cut_not_overrun(void **state)
{
    (void)state;
    char *longer = mem_alloc(5000, 1);
    memset(longer, 'x', 4999);
    longer[4999] = 0;
    fail(E_IO, "%s", longer);
    assert_true(strlen(fail_text()) < 2000);
    fail_prefix(E_IO, "%s", longer);
    assert_true(strlen(fail_text()) < 2000);
    mem_free(longer);
}

/* --- memory --- */

static void memory_is_aligned_and_checked(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 7) {
        unsigned char *p = mem_calloc(n, 3);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % MEM_ALIGN, 0);
        for (size_t i = 0; i < 3 * n; i++)
            assert_int_equal(p[i], 0);
        mem_free(p);
    }
    assert_null(mem_alloc(SIZE_MAX / 2, 3));
    assert_non_null(strstr(fail_text(), "out of memory"));
    assert_null(mem_calloc(SIZE_MAX / 8, 8));
    mem_free(NULL);

    char *text = mem_strdup("abc");
    char *grown = mem_grow(text, 4, 400);
    assert_string_equal(grown, "abc");
    mem_free(grown);
    char *fresh = mem_grow(NULL, 0, 10);
    assert_non_null(fresh);
    mem_free(fresh);
}

static void memory_is_discarded_by_whole_pages(void **state)
{
    (void)state;
    const size_t n = 1 << 22, gap = 100;
    unsigned char *p = mem_alloc(n, 1);
    assert_non_null(p);
    memset(p, 7, n);
    mem_discard(p + gap, n - 2 * gap);
    mem_discard(p + gap, 3); /* no whole page */
    for (size_t i = 0; i < gap; i++)
        assert_true(p[i] == 7 && p[n - 1 - i] == 7);
    assert_int_equal(p[n / 2], 0); /* Linux: a fresh page */
    memset(p, 9, n);
    assert_int_equal(p[n / 2], 9);
    mem_free(p);
}

static void arena_hands_out_zeroed_aligned_pieces(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a);
    unsigned char *last = NULL;
    for (size_t n = 1; n < 300000; n = n * 3 + 1) { /* crosses the block size */
        unsigned char *p = arena_alloc(&a, n, 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % MEM_ALIGN, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAB, n);
        if (last)
            assert_int_equal(*last, 0xAB); /* earlier pieces stay */
        last = p;
    }
    assert_string_equal(arena_strdup(&a, "model.4"), "model.4");
    assert_string_equal(arena_printf(&a, "%s.%d", "cv2", 1), "cv2.1");
    assert_true(a.used <= a.total);
    assert_null(arena_alloc(&a, SIZE_MAX / 2, 4));
    arena_free(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 5, 5)); /* usable again */
    arena_free(&a);
}

static void buffers_grow_and_end_with_zero(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(buf_printf(&b, "%d,", i), OK);
        assert_int_equal(b.data[b.size], 0);
    }
    assert_int_equal(strncmp(b.data, "0,1,2,3,", 8), 0);
    assert_string_equal(b.data + b.size - 5, "1999,");
    size_t size = b.size;
    assert_int_equal(buf_append(&b, "\0x", 2), OK);
    assert_int_equal(b.size, size + 2);
    assert_int_equal(b.data[size + 1], 'x');
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 5), E_NOMEM);
    assert_int_equal(b.size, size + 2); /* a refused growth loses nothing */
    buf_free(&b);
    assert_null(b.data);
}

/* --- files --- */

static int entries(const char *path)
{
    char **names;
    int count;
    assert_int_equal(path_list(path, &names, &count), OK);
    path_list_free(names, count);
    return count;
}

static void expect_content(const char *path, const char *text)
{
    struct buf b = {0};
    assert_int_equal(file_read(path, 1 << 20, &b), OK);
    assert_int_equal(b.size, strlen(text));
    assert_memory_equal(b.data, text, b.size);
    buf_free(&b);
}

static void files_appear_whole_or_not_at_all(void **state)
{
    (void)state;
    char *path = in_folder("whole");
    int before = entries(folder);
    assert_int_equal(file_write(path, "first", 5), OK);
    expect_content(path, "first");

    struct file_writer w;
    assert_int_equal(file_writer_open(&w, path), OK);
    fprintf(w.stream, "second");
    fflush(w.stream);
    expect_content(path, "first"); /* half written: the old file is still there */
    file_writer_abort(&w);
    expect_content(path, "first");
    assert_int_equal(entries(folder), before + 1); /* and no temporary file */

    assert_int_equal(file_writer_open(&w, path), OK);
    fprintf(w.stream, "third");
    assert_int_equal(file_writer_commit(&w), OK);
    file_writer_abort(&w); /* allowed, does nothing */
    expect_content(path, "third");
    assert_int_equal(entries(folder), before + 1);

    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask); /* like any other program's file, not mkstemp's 0600 */
    mem_free(path);
}

static void an_ending_program_leaves_no_temporary_file(void **state)
{
    (void)state;
    char *one = in_folder("one.out"), *two = in_folder("two.out");
    int before = entries(folder);
    pid_t child = fork();
    if (child == 0) {
        struct file_writer a, b, c;
        bool opened = file_writer_open(&a, one) == OK && file_writer_open(&b, two) == OK &&
                      file_writer_open(&c, one) == OK && entries(folder) == before + 3;
        file_writer_abort(&c); /* no longer among them */
        file_remove_temporaries();
        _exit(opened ? 7 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(entries(folder), before);
    mem_free(one);
    mem_free(two);
}

static void files_fail_with_a_sentence(void **state)
{
    (void)state;
    struct buf b = {0};
    struct file_map map;
    struct file_writer w;
    char *absent = in_folder("absent"), *deep = in_folder("no/such/folder"), *big = in_folder("big");
    assert_int_equal(file_read(absent, 100, &b), E_IO);
    assert_non_null(strstr(fail_text(), absent));
    assert_int_equal(file_read(folder, 100, &b), E_IO);
    assert_non_null(strstr(fail_text(), "folder"));
    assert_int_equal(file_map_open(folder, &map), E_IO);
    assert_int_equal(file_read("/dev/zero", 100, &b), E_IO); /* endless: not a regular file */
    assert_int_equal(file_writer_open(&w, deep), E_IO);
    assert_non_null(strstr(fail_text(), deep));
    assert_int_equal(file_write(big, "0123456789", 10), OK);
    assert_int_equal(file_read(big, 9, &b), E_LIMIT);
    assert_non_null(strstr(fail_text(), "big"));
    assert_int_equal(file_read(big, 10, &b), OK);
    buf_free(&b);

    assert_int_equal(file_map_open(big, &map), OK);
    assert_int_equal(map.size, 10);
    assert_memory_equal(map.data, "0123456789", 10);
    file_map_close(&map);
    assert_int_equal(file_write(big, NULL, 0), OK);
    assert_int_equal(file_map_open(big, &map), OK);
    assert_int_equal(map.size, 0);
    file_map_close(&map);
    mem_free(absent);
    mem_free(deep);
    mem_free(big);
}

/* Replacing `path` by a megabyte must fail, leave the old contents and no second file beside it. */
static void expect_refused_megabyte(const char *path, const char *in)
{
    int before = entries(in);
    char *bytes = mem_calloc(1 << 20, 1);
    assert_non_null(bytes);
    assert_int_equal(file_write(path, bytes, 1 << 20), E_IO);
    assert_non_null(strstr(fail_text(), path));
    expect_content(path, "old");
    assert_int_equal(entries(in), before);
    mem_free(bytes);
}

static void a_write_over_the_file_size_limit_keeps_the_old_file(void **state)
{
    (void)state;
    char *path = in_folder("limited");
    assert_int_equal(file_write(path, "old", 3), OK);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = (struct rlimit){.rlim_cur = 100000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_refused_megabyte(path, folder);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    mem_free(path);
}

static void a_full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    char *disk = in_folder("disk");
    assert_int_equal(path_make_folder(disk), OK);
    if (mount("none", disk, "tmpfs", 0, "size=64k") != 0) {
        print_message("a full disk needs root and mount(2): %s\n", strerror(errno));
        mem_free(disk);
        skip();
    }
    char *path = path_join(disk, "file");
    assert_int_equal(file_write(path, "old", 3), OK);
    expect_refused_megabyte(path, disk);
    assert_non_null(strstr(fail_text(), "No space left"));
    mem_free(path);
    assert_int_equal(umount(disk), 0);
    mem_free(disk);
}

/* --- paths --- */

static void expect_and_free(char *got, const char *want)
{
    assert_non_null(got);
    assert_string_equal(got, want);
    mem_free(got);
}

static void paths_are_cut_and_joined(void **state)
{
    (void)state;
    expect_and_free(path_join("a", "b"), "a/b");
    expect_and_free(path_join("a/", "b"), "a/b");
    expect_and_free(path_join("", "b"), "b");
    expect_and_free(path_join("a", "/b"), "/b");
    expect_and_free(path_parent("a/b/c.txt"), "a/b");
    expect_and_free(path_parent("c.txt"), ".");
    expect_and_free(path_parent("/c"), "/");
    expect_and_free(path_stem("a.b/c.d.jpg"), "c.d");
    expect_and_free(path_stem(".hidden"), ".hidden");
    assert_string_equal(path_name("a/b.c"), "b.c");
    assert_string_equal(path_extension("a.x/b"), "");
    assert_string_equal(path_extension("a/b.JPG"), "JPG");
    assert_string_equal(path_extension("a/.hidden"), "");
}

static void run_folders_count_up(void **state)
{
    (void)state;
    char *project = in_folder("runs/detect"), *out;
    static const char *const want[] = {"exp", "exp2", "exp3"};
    for (int i = 0; i < COUNT(want); i++) {
        assert_int_equal(path_make_run(project, "exp", false, &out), OK);
        assert_string_equal(path_name(out), want[i]);
        assert_true(path_is_folder(out));
        mem_free(out);
    }
    assert_int_equal(path_make_run(project, "exp", true, &out), OK);
    assert_string_equal(path_name(out), "exp");
    mem_free(out);

    char *file = in_folder("runs/file");
    assert_int_equal(file_write(file, "x", 1), OK);
    assert_int_equal(path_make_run(file, "exp", false, &out), E_IO); /* a file stands where the folder should */
    assert_null(out);
    assert_int_equal(path_make_folder(file), E_IO);
    mem_free(file);
    mem_free(project);
}

static void folders_are_listed_in_order(void **state)
{
    (void)state;
    char *list = in_folder("list");
    assert_int_equal(path_make_folder(list), OK);
    static const char *const names[] = {"b", "a10", "a2", "B", ".dot"};
    for (int i = 0; i < COUNT(names); i++) {
        char *path = path_join(list, names[i]);
        assert_int_equal(file_write(path, "", 0), OK);
        mem_free(path);
    }
    char **got;
    int count;
    assert_int_equal(path_list(list, &got, &count), OK);
    static const char *const want[] = {".dot", "B", "a10", "a2", "b"};
    assert_int_equal(count, COUNT(want));
    for (int i = 0; i < count; i++)
        assert_string_equal(got[i], want[i]);
    path_list_free(got, count);
    mem_free(list);
    assert_int_equal(path_list("/no/such/folder", &got, &count), E_IO);
}

/* --- random numbers --- */

static void random_numbers_are_a_function_of_the_key(void **state)
{
    (void)state;
    assert_true(rng_hash("a") == 0xaf63dc4c8601ec8cu); /* FNV-1a's published value */
    struct rng zero = {0};
    assert_true(rng_next(&zero) == 0xE220A8397B1DCDAFu); /* splitmix64's first outputs of seed 0 */
    assert_true(rng_next(&zero) == 0x6E789E6AA1B965F4u);

    struct rng a = rng_seed(1, 2, 3), b = rng_seed(1, 2, 3), c = rng_seed(1, 3, 2), d = rng_seed(0, 2, 3);
    uint64_t first = rng_next(&a);
    assert_true(first == rng_next(&b));
    assert_true(first != rng_next(&c));
    assert_true(first != rng_next(&d));
}

static void random_numbers_have_their_ranges_and_moments(void **state)
{
    (void)state;
    struct rng r = rng_seed(7, 0, 0);
    enum { N = 100000 };
    double sum = 0, normal = 0, square = 0;
    int bucket[7] = {0};
    for (int i = 0; i < N; i++) {
        double u = rng_uniform(&r), x = rng_range(&r, -3, 5), g = rng_normal(&r);
        assert_true(u >= 0 && u < 1 && x >= -3 && x < 5 && isfinite(g));
        sum += u;
        normal += g;
        square += g * g;
        bucket[rng_below(&r, 7)]++;
    }
    assert_true(fabs(sum / N - 0.5) < 0.005); /* 5 sigma = 0.0046 */
    assert_true(fabs(normal / N) < 0.016 && fabs(square / N - 1) < 0.023);
    for (int i = 0; i < 7; i++)
        assert_true(abs(bucket[i] - N / 7) < 560); /* 5 sigma */
    for (int i = 0; i < 100; i++)
        assert_int_equal(rng_below(&r, 1), 0);
}

/* --- threads --- */

enum { PARTS = 37 };

struct job {
    double sum[PARTS];
    int runs[PARTS];
    int bad_thread, threads;
};

static void sum_part(void *context, int part, int thread)
{
    struct job *j = context;
    float sum = 0; /* the order inside a part is fixed, so are the bits */
    struct rng r = rng_seed((uint64_t)part, 0, 0);
    for (int i = 0; i < 100 + 20 * part; i++)
        sum += (float)rng_normal(&r);
    j->sum[part] = (double)sum;
    j->runs[part]++;
    if (thread < 0 || thread >= j->threads)
        j->bad_thread = 1;
}

static void team_results_do_not_depend_on_its_size(void **state)
{
    (void)state;
    struct job alone = {.threads = 1};
    team_run(NULL, PARTS, sum_part, &alone);
    assert_int_equal(team_size(NULL), 1);
    for (int threads = 1; threads <= 5; threads++) {
        struct team *team;
        assert_int_equal(team_create(threads, &team), OK);
        assert_int_equal(team_size(team), threads);
        for (int repeat = 0; repeat < 50; repeat++) {
            struct job together = {.threads = threads};
            team_run(team, PARTS, sum_part, &together);
            assert_memory_equal(alone.sum, together.sum, sizeof alone.sum);
            for (int i = 0; i < PARTS; i++)
                assert_int_equal(together.runs[i], 1);
            assert_int_equal(together.bad_thread, 0);
            if (repeat % 16 == 15)
                usleep(2000); /* long enough for the workers to fall asleep */
        }
        team_run(team, 0, sum_part, NULL); /* no parts: nothing happens */
        team_destroy(team);
    }
    struct team *none;
    assert_int_equal(team_create(0, &none), E_ARGUMENT);
    assert_null(none);
    team_destroy(NULL);
}

/* --- CPU --- */

/* Every row of core/cpu.def has a name of its own, and what is found stands on what it needs. */
static void instruction_sets_are_rows(void **state)
{
    (void)state;
    for (int i = 0; i < CPU_SETS; i++) {
        const uint64_t bit = UINT64_C(1) << i, with = cpu_set_features(i);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(cpu_set_name(i), cpu_set_name(k));
        assert_true((with & bit) && !(with & ~(bit | (bit - 1))));
        if (cpu_found() & bit)
            assert_true((cpu_found() & with) == with && cpu_set_is_of_this_machine(i));
        uint64_t level;
        assert_true(cpu_level_features(cpu_set_name(i), &level) == cpu_set_begins_level(i));
        if (cpu_set_begins_level(i)) {
            assert_true((level & with) == with);
            assert_string_equal(cpu_level(level), cpu_set_name(i));
        }
    }
}

static void cpu_levels_are_masks(void **state)
{
    (void)state;
    uint64_t avx2, avx512, other;
    assert_true(cpu_level_features("c", &other) && other == 0);
    assert_true(cpu_level_features("avx2", &avx2) && avx2 == (CPU_AVX2 | CPU_AVX_VNNI));
    assert_true(cpu_level_features("avx512", &avx512) &&
                avx512 == (avx2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16 | CPU_BF16_FAST));
    assert_true(cpu_level_features("amx", &other) && other == (avx512 | CPU_AMX | CPU_AMX_BF16 | CPU_AMX_INT8));
    assert_true(cpu_level_features("amxemulated", &other) && (other & CPU_AMX_EMULATED));
    assert_false(!getenv("Y9_CPU") && (cpu_features() & CPU_AMX_EMULATED)); /* only where it is named */
    assert_true(cpu_level_features("neon", &other) && other == CPU_NEON);
    assert_false(cpu_level_features("sse9", &other));
    assert_string_equal(cpu_level(0), "c");
    assert_true(cpu_count() >= 1);
    assert_true(cpu_memory() > 1 << 20);

    char *old = getenv("Y9_CPU") ? mem_strdup(getenv("Y9_CPU")) : NULL;
    setenv("Y9_CPU", "c", 1);
    assert_int_equal(cpu_features(), 0);
    if (old)
        setenv("Y9_CPU", old, 1);
    else
        unsetenv("Y9_CPU");
    mem_free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_keeps_a_sentence),
        cmocka_unit_test(a_sentence_is_cut_not_overrun),
        cmocka_unit_test(memory_is_aligned_and_checked),
        cmocka_unit_test(memory_is_discarded_by_whole_pages),
        cmocka_unit_test(arena_hands_out_zeroed_aligned_pieces),
        cmocka_unit_test(buffers_grow_and_end_with_zero),
        cmocka_unit_test(files_appear_whole_or_not_at_all),
        cmocka_unit_test(an_ending_program_leaves_no_temporary_file),
        cmocka_unit_test(files_fail_with_a_sentence),
        cmocka_unit_test(a_write_over_the_file_size_limit_keeps_the_old_file),
        cmocka_unit_test(a_full_disk_keeps_the_old_file),
        cmocka_unit_test(paths_are_cut_and_joined),
        cmocka_unit_test(run_folders_count_up),
        cmocka_unit_test(folders_are_listed_in_order),
        cmocka_unit_test(random_numbers_are_a_function_of_the_key),
        cmocka_unit_test(random_numbers_have_their_ranges_and_moments),
        cmocka_unit_test(team_results_do_not_depend_on_its_size),
        cmocka_unit_test(cpu_levels_are_masks),
        cmocka_unit_test(instruction_sets_are_rows),
    };
    return cmocka_run_group_tests_name("core", tests, folder_make, folder_remove);
}
