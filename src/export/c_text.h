/* Inside of export/: what stands around the network in a C file and its header. */
#ifndef Y9_EXPORT_C_TEXT_H
#define Y9_EXPORT_C_TEXT_H

#include "export/c_export.h"

/* Comment, includes, and the functions that are called. */
void c_text_top(struct c_export *e, const char *header);
/* What a user calls beside the run: loading a picture, the head's maps, boxes. */
void c_text_ends(struct c_export *e);
/* The header; after the source, when the size of the constants is known. */
void c_text_header(struct c_export *e);

#endif
