#include "core/near.h"

#include "core/status.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Levenshtein distance of two short words, upper and lower case alike. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > LONGEST || length_b > LONGEST)
        return INT_MAX;
    int row[LONGEST + 1], n = (int)length_a, m = (int)length_b;
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int replace = diagonal + !same(a[i - 1], b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(replace, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[m];
}

const char *nearest_name(const char *word, const char *const *list, int n)
{
    const char *best = NULL;
    size_t length = strlen(word);
    if (length > INT_MAX / 2)
        return NULL;
    int least = 2 * ((int)length / 3 + 2); /* farther than that is no typing error */
    for (int i = 0; i < n; i++) {
        bool prefix = length >= 3 && !strncasecmp(word, list[i], length);
        int far = prefix ? 0 : distance(word, list[i]);
        int d = prefix ? 1 : far == INT_MAX ? far : 2 * far; /* a beginning comes before one typing error */
        if (d < least) {
            least = d;
            best = list[i];
        }
    }
    return best;
}
