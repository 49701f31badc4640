/* SPDX-License-Identifier: BSD-3-Clause */
/* Files to pass to the data plane, good and bad, as the input has it; and images of rules. */
#ifndef VEX_TESTS_FUZZ_FILES_H
#define VEX_TESTS_FUZZ_FILES_H

#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rule/compile.h"

static struct input input;
static struct rule_image *images[2]; /* without and with redactions */
static size_t image_sizes[2];
static unsigned chosen; /* of those, for the next RULES */

static const char rules[] = "- group: g\n  members: [a, b]\n"
		"- rule: a\n  condition: evt.type = open and user.uid < 5\n  route: [subscriber:a, group:g]\n"
		"  qos: high\n- rule: b\n  condition: evt.type in (open, read)\n  sample: 1/2\n"
		"  rate: {limit: 2/s, by: proc.pid}\n  suppress: {for: 1ns, by: user.uid}\n"
		"- rule: c\n  condition: event.result < 0\n  route: [drop, \"boundary:fuse\"]\n  match: first\n";
static const char redacting[] = "- rule: d\n  condition: event.boundary = app\n"
		"  redact: {proc.pid: hash, user.uid: mask}\n";

static unsigned draw(unsigned below)
{
	return (unsigned)input_number(&input, 1) % below;
}

/* All but pipes: the fuzzer opens some to whom it asks for names of functions. */
static unsigned count_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned count = 0;
	char to[64];

	MUST(folder);
	while ((entry = readdir(folder))) {
		ssize_t len = readlinkat(dirfd(folder), entry->d_name, to, sizeof(to));

		count += len > 0 && memcmp(to, "pipe:", 5) != 0;
	}
	closedir(folder);
	return count;
}

static void make_image(unsigned i)
{
	struct rule_source sources[] = {{"fuzz", rules, sizeof(rules) - 1},
			{"more", redacting, sizeof(redacting) - 1}};
	struct rule_compile_error why;
	struct rule_diags diags = {0};
	struct rule_set *set;

	MUST(!rule_set_parse(sources, i + 1, NULL, &set, &diags));
	MUST(!rule_compile(set, NULL, &images[i], &image_sizes[i], &why));
	rule_diags_clear(&diags);
	rule_set_free(set);
}

static int make_sealed(unsigned seals)
{
	uint8_t bytes[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	MUST(fd >= 0 && !ftruncate(fd, 4096 * draw(4)));
	MUST(write(fd, bytes, input_bytes(&input, bytes, sizeof(bytes))) >= 0);
	MUST(!fcntl(fd, F_ADD_SEALS, seals));
	return fd;
}

/* At times some bytes of it are changed, and the checksum mended. */
static int make_image_file(void)
{
	const struct rule_image *image = images[chosen];
	size_t image_size = image_sizes[chosen];
	struct rule_image *copy = aligned_alloc(64, (image_size + 63) & ~(size_t)63);
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	MUST(copy && fd >= 0);
	memcpy(copy, image, image_size);
	for (unsigned n = draw(4) ? 0 : draw(8); n; n--)
		((uint8_t *)copy)[input_number(&input, 2) % image_size] ^= 1u << draw(8);
	copy->checksum = XXH3_64bits(&copy->size, image_size - offsetof(struct rule_image, size));
	MUST(write(fd, copy, image_size) == (ssize_t)image_size);
	MUST(!fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	free(copy);
	return fd;
}

static int make_end(bool pipes)
{
	int ends[2];

	MUST(!(pipes ? pipe2(ends, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends)));
	close(ends[0]);
	return ends[1];
}

#endif
