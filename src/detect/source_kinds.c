/* What a source is by its name: a picture, or something that is asked for often and is none. */
#include "core/path.h"
#include "detect/source_parts.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_among(const char *word, const char *const *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (!strcasecmp(word, list[i]))
            return true;
    }
    return false;
}

static bool is_video(const char *path)
{
    static const char *const suffixes[] = {"asf",  "avi", "m4v", "mkv", "mov", "mp4",
                                           "mpeg", "mpg", "ts",  "wmv", "webm"};
    return is_among(path_extension(path), suffixes, COUNT(suffixes));
}

/* "https" of "https://host/..."; the length of the scheme, or 0. */
static size_t scheme_length(const char *source)
{
    size_t n = 0;
    while (isalnum((unsigned char)source[n]) || (n && strchr("+-.", source[n]) && source[n]))
        n++;
    return n && isalpha((unsigned char)source[0]) && !strncmp(source + n, "://", 3) ? n : 0;
}

static enum status check_address(const char *source, size_t scheme)
{
    static const char *const web[] = {"http", "https", "ftp", "ftps"};
    char word[16];
    memcpy(word, source, MIN(scheme, sizeof word - 1));
    word[MIN(scheme, sizeof word - 1)] = 0;
    if (!strcasecmp(word, "file"))
        return fail(E_UNSUPPORTED, "%s: give the file's path alone, without file://", source);
    if (is_among(word, web, COUNT(web)))
        return fail(E_UNSUPPORTED, "%s: a URL cannot be read, only picture files; download it first", source);
    return fail(E_UNSUPPORTED, "%s: a stream cannot be read, only picture files", source);
}

enum status source_check_kind(const char *source, bool there)
{
    size_t digits = strspn(source, "0123456789"), scheme = scheme_length(source);
    if (there && is_video(source))
        return fail(E_UNSUPPORTED,
                    "%s: a video cannot be read, only picture files (ffmpeg can write its frames as such)", source);
    if (there && !strcasecmp(path_extension(source), "streams"))
        return fail(E_UNSUPPORTED, "%s: a list of streams; streams cannot be read, only picture files", source);
    if (there)
        return OK;
    if (digits && digits <= 4 && !source[digits])
        return fail(E_UNSUPPORTED,
                    "%s: a camera cannot be read, only picture files (and there is no file of that name)", source);
    if (scheme)
        return check_address(source, scheme);
    if (!strncasecmp(source, "screen", 6) && (!source[6] || source[6] == ' '))
        return fail(E_UNSUPPORTED, "%s: the screen cannot be read, only picture files", source);
    return OK;
}
