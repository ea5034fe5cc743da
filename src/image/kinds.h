/* The kinds of picture files: the one table of suffixes that folders are searched by, and the names of kinds that are
 * known by sight but not read. What a file is decided by its bytes (decode.h); suffixes only choose among the files of
 * a folder. */
#ifndef Y9_IMAGE_KINDS_H
#define Y9_IMAGE_KINDS_H

#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Has the file's name a suffix of pictures, in any case? Also of kinds that photographs have but that are not read
 * (HEIC, DNG ...): a folder must not lose them without a word, and image_read says what they are. */
bool image_is_picture_name(const char *path);

/* The kind that the suffix promises, as image_kind_name says it of bytes ("JPEG"); NULL: none that is read. */
const char *image_kind_of_name(const char *path);

/* Suffix number i of the kinds that are read, in small letters, the usual ones first; NULL: there are no more. */
const char *image_suffix(int i);

/* E_UNSUPPORTED with a sentence about bytes that no decoder takes: what they are and what to do. */
enum status image_refuse_kind(const uint8_t *bytes, size_t size, const char *name);

#endif
