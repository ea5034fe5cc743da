/* api/: libyolo9: the functions of include/yolo9.h over weights/ and detect/.
 *
 * What lies behind the handles. */
#ifndef Y9_API_API_H
#define Y9_API_API_H

#include "detect/detector.h"
#include "graph/packed.h"
#include "weights/weights.h"
#include "yolo9.h"

#include <pthread.h>
#include <sys/stat.h>

enum { API_SIDE_MOST = 8192, API_BATCH_MOST = 1024, API_DETECTIONS_MOST = 30000, API_THREADS_MOST = 1024 };

/* --- api/error.c --- */
struct api_error {
    int code; /* enum yolo9_status */
    char text[1024];
};
/* The public number of a status. What fail() kept becomes the thread's failure and, unless NULL, the handle's. */
int api_end(enum status rc, struct api_error *handle);

/* --- api/structures.c: structures of the caller, of any version --- */
/* Copy a structure that begins with its size into one of `known` bytes. E_ARGUMENT: it is NULL, too short, or has
 * fields set that this library does not know; `what` names it. */
enum status api_take(void *dst, size_t known, const void *src, const char *what);
enum status api_check_reserved(const uint64_t *reserved, int n, const char *what);

/* --- weights --- */

/* Packed weights of one form, for all detectors that take it. */
struct shared_pack {
    bool exact;
    enum precision precision;
    struct packed_store store;
    struct shared_pack *next;
};

struct yolo9_weights {
    struct weights weights;
    char *path;         /* NULL: from memory */
    char *table;        /* NULL: found from the weights */
    struct stat opened; /* the file as it was */
    pthread_mutex_t lock;
    int references; /* the caller's, and one a detector */
    bool gone;      /* deployed_params is memory without values: all detectors have what they need in packed form */
    int readers;    /* detectors that read deployed_params as they run */
    struct shared_pack *packs;
};

/* What follows needs `lock`. */
enum status api_weights_pack(struct yolo9_weights *w, bool exact, enum precision precision, struct packed_store **out);
/* The memory of the values goes back to the system, the addresses stay: networks keep them beside what is packed. */
void api_weights_give_up(struct yolo9_weights *w);
/* Have the values again where they are gone. */
enum status api_weights_values(struct yolo9_weights *w);
/* And without it: one reference less, `reads` one reader less; the last one frees. */
void api_weights_release(struct yolo9_weights *w, bool reads);

/* --- detectors --- */

struct yolo9_input {
    struct image photo; /* of encoded pictures */
    struct detector_input ready;
    bool whole; /* made ready */
    int64_t mark;
    double read, letterbox; /* seconds */
};

struct yolo9_detector {
    struct yolo9_weights *weights;
    bool reads; /* its network reads the weights' values as it runs */
    struct team *team;
    struct detector *detector;
    int batch;
    struct yolo9_input **inputs; /* of yolo9_detect, used again */
    int n_inputs;
    struct yolo9_result *results;
    int n_results, cap_results;
    struct yolo9_detection *found; /* of all results, one after another */
    int n_found, cap_found;
    struct api_error error;
};

/* --- api/picture.c --- */
enum status api_prepare(const struct yolo9_detector *d, const struct yolo9_picture *picture, struct yolo9_input *input);

/* --- api/results.c --- */
enum status api_results_begin(struct yolo9_detector *d, int count);
/* One picture's, from input `image` of the network's last run. */
enum status api_results_add(struct yolo9_detector *d, int image, const struct letterbox *box, struct yolo9_result *r);
void api_results_end(struct yolo9_detector *d, bool good); /* not good: there are none */

/* E_ARGUMENT: no input that this detector takes. */
enum status api_check_input(const struct yolo9_detector *d, int h, int w);

#endif
