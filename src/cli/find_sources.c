#include "cli/find_sources.h"

#include "cli/cli.h"

enum status find_sources(char *const *words, int n, bool recursive, struct sources *out)
{
    struct buf text = {0};
    TRY(sources_expand(words, n, recursive, out));
    enum status rc = sources_describe(out, &text);
    if (rc == OK && text.size)
        print(stderr, "%s", text.data);
    buf_free(&text);
    return rc;
}
