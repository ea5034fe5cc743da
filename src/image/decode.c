#include "image/decode.h"

#include "core/file.h"
#include "image/codec.h"
#include "image/kinds.h"

#include <string.h>

static const size_t MAX_FILE_BYTES = (size_t)1 << 30;

static const struct codec *const codecs[] = {&codec_jpeg, &codec_png, &codec_webp};

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
    return rc == OK ? image_orient(img, header.orientation) : rc;
}

enum status image_decode(const void *bytes, size_t size, const char *name, struct image *img)
{
    return image_decode_limited(bytes, size, name, NULL, img);
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
    struct file_map map;
    struct codec_header header = {0};
    enum status rc = file_map_open(path, &map);
    if (rc != OK)
        return rc;
    struct codec_input in = {map.data, map.size, path, NULL};
    const struct codec *codec = map.size ? find_codec(map.data, map.size) : NULL;
    if (map.size == 0)
        rc = fail(E_FORMAT, "%s: the file is empty", path);
    else if (!codec)
        rc = image_refuse_kind(map.data, map.size, path);
    else
        rc = codec->read_header(&in, &header);
    file_map_close(&map);
    if (rc != OK)
        return rc;
    if (w)
        *w = header.w;
    if (h)
        *h = header.h;
    if (orientation)
        *orientation = header.orientation;
    return OK;
}
