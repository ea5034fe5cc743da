#include "core/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int text_decode(const char *p, unsigned *code)
{
    static const unsigned smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *b = (const unsigned char *)p;
    int n = b[0] < 0x80 ? 1 : b[0] >> 5 == 6 ? 2 : b[0] >> 4 == 14 ? 3 : b[0] >> 3 == 30 ? 4 : 0;
    unsigned c = n == 1 ? b[0] : b[0] & (0xffu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if (b[i] >> 6 != 2)
            return 0; /* also at the terminating zero */
        c = c << 6 | (b[i] & 0x3f);
    }
    if (n > 1 && (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)))
        return 0;
    if (code)
        *code = c;
    return n;
}

static bool breaks_line(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

void text_one_line(char *text)
{
    char *to = text;
    for (const char *p = text; *p;) {
        unsigned c;
        int n = text_decode(p, &c);
        if (n && breaks_line(c)) {
            *to++ = '?';
        } else {
            memmove(to, p, (size_t)MAX(n, 1));
            to += MAX(n, 1);
        }
        p += MAX(n, 1);
    }
    *to = 0;
}
