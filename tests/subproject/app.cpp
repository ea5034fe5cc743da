// A program of another project: sees yolo9.h and nothing else of yolo9.
#include "yolo9.h"

#include <cstdio>
#include <cstring>

#if __has_include("core/status.h")
#error "the sources of yolo9 are visible to programs that use it"
#endif
#ifdef Y9_VERSION
#error "definitions of yolo9 reach programs that use it"
#endif

int main()
{
    struct yolo9_weights *weights = yolo9_weights_open("there-is-no-such-file.pt", nullptr);
    std::printf("%s: %s\n", yolo9_version(), yolo9_error());
    return !weights && std::strstr(yolo9_error(), "there-is-no-such-file.pt") ? 0 : 1;
}
