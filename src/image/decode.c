#include "image/decode.h"

#include "core/file.h"
#include "core/log.h"
#include "image/codec.h"
#include "image/kinds.h"

#include <stdatomic.h>
#include <string.h>

static const size_t MAX_FILE_BYTES = (size_t)1 << 30;

static const struct codec *const codecs[] = {&codec_jpeg, &codec_png, &codec_webp, &codec_bmp, &codec_tiff, &codec_gif};

enum status codec_needs(bool there, const char *library, const char *kind, const char *name)
{
    if (there)
        return OK;
    return fail(E_UNSUPPORTED, "%s: %s pictures are read by %s, which is not on this machine", name, kind, library);
}

static const struct codec *find_codec(const void *bytes, size_t size)
{
    for (int i = 0; i < COUNT(codecs); i++) {
        if (codecs[i]->probe(bytes, size))
            return codecs[i];
    }
    return NULL;
}

const char *image_kind_name(const void *bytes, size_t size)
{
    const struct codec *codec = find_codec(bytes, size);
    return codec ? codec->word : NULL;
}

bool image_has_alpha(const void *bytes, size_t size)
{
    const struct codec_input in = {bytes, size, "", NULL};
    struct codec_header header = {0};
    const struct codec *codec = find_codec(bytes, size);
    return codec && codec->read_header(&in, &header) == OK && header.alpha;
}

/* Said of the first such file only: a data set may have many. */
static void note_more(const char *name)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&said))
        log_warn("%s: of a file with several frames or pages the first is read", name);
}

enum status image_decode_limited(const void *bytes, size_t size, const char *name, const struct image_limits *limits,
                                 struct image *img)
{
    struct codec_input in = {bytes, size, name, limits};
    struct codec_header header = {0};
    if (size == 0)
        return fail(E_FORMAT, "%s: the file is empty", name);
    const struct codec *codec = find_codec(bytes, size);
    if (!codec)
        return image_refuse_kind(bytes, size, name);
    enum status rc = codec->decode(&in, img, &header);
    if (rc == OK && header.more)
        note_more(name);
    return rc == OK ? image_orient(img, header.orientation) : rc;
}

enum status image_decode(const void *bytes, size_t size, const char *name, struct image *img)
{
    return image_decode_limited(bytes, size, name, NULL, img);
}

/* Header only, or as far as it takes to know that image_read will give its pixels. */
static enum status read_codec_header(const struct codec_input *in, bool whole, struct codec_header *header)
{
    if (in->size == 0)
        return fail(E_FORMAT, "%s: the file is empty", in->name);
    const struct codec *codec = find_codec(in->bytes, in->size);
    if (!codec)
        return image_refuse_kind(in->bytes, in->size, in->name);
    enum status rc = codec->read_header(in, header);
    if (rc == OK && whole && !(codec->is_whole && codec->is_whole(in))) {
        struct image img = {0};
        rc = codec->decode(in, &img, header);
        image_free(&img);
    }
    return rc;
}

static enum status open_picture(const char *path, bool whole, int *w, int *h, int *orientation)
{
    struct file_map map;
    struct codec_header header = {0};
    enum status rc = file_map_open(path, &map);
    if (rc != OK)
        return rc;
    struct codec_input in = {map.data, map.size, path, NULL};
    rc = read_codec_header(&in, whole, &header);
    file_map_close(&map);
    if (rc == OK && w)
        *w = header.w;
    if (rc == OK && h)
        *h = header.h;
    if (rc == OK && orientation)
        *orientation = header.orientation;
    return rc;
}

enum status image_read(const char *path, struct image *img)
{
    struct buf file = {0};
    enum status rc = file_read(path, MAX_FILE_BYTES, &file);
    if (rc == OK)
        rc = image_decode(file.data, file.size, path, img);
    buf_free(&file);
    return rc;
}

enum status image_probe_size(const char *path, int *w, int *h, int *orientation)
{
    return open_picture(path, false, w, h, orientation);
}

enum status image_check(const char *path, int *w, int *h, int *orientation)
{
    return open_picture(path, true, w, h, orientation);
}
