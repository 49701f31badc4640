/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/write.h"
#include "rule/verify.h"

static int seal(int fd)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

static int map(struct rules_image *image)
{
	/* Shared, older kernels refuse it where nobody may write. */
	void *data = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, image->fd, 0);

	if (data == MAP_FAILED)
		return -errno;
	image->data = data;
	return 0;
}

int rules_image_seal(const void *image, size_t size, struct rules_image *sealed, char *why,
		size_t cap)
{
	struct rules_image copy = {.fd = memfd_create("rules", MFD_CLOEXEC | MFD_ALLOW_SEALING),
			.size = size};
	const char *fault = NULL;
	int error = copy.fd < 0 ? -errno : vex_write_all(copy.fd, image, size);

	if (!error)
		error = seal(copy.fd);
	if (!error)
		error = map(&copy);
	if (!error)
		error = rule_image_verify(copy.data, size, &fault);
	if (!error) {
		*sealed = copy;
		return 0;
	}
	snprintf(why, cap, "the compiled rules can't be used: %s", fault ? fault : strerror(-error));
	rules_image_free(&copy);
	return error;
}

void rules_image_free(struct rules_image *image)
{
	if (image->data)
		munmap((void *)image->data, image->size);
	if (image->data || image->size)
		close(image->fd);
	memset(image, 0, sizeof(*image));
}
