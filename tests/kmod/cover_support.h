/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rows of the matrix share. Relative names are in the row's folder. */
#ifndef TESTS_KMOD_COVER_SUPPORT_H
#define TESTS_KMOD_COVER_SUPPORT_H

#include "cover.h"

extern char page[4096];

int open_file(const char *name, int flags);
void file_of(const char *name, unsigned size);
void make_file(void);
void make_files(void);
void make_folder(void);

#define NO_RANGE .offset = ANY, .flags = ANY
#define RANGE(at, n) .offset = (at), .size = (n), .flags = ANY
#define OPENED(name) {VEX_OPEN, name, NO_RANGE}
#define CLOSED(name) {VEX_CLOSE, name, NO_RANGE}

#endif
