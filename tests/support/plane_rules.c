/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/plane_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/message.h"
#include "stat/rules.h"
#include "support/image.h"

#define IMAGES_MAX 8
#define SWAPS_MAX 100000u
#define READ_TRIES 1000

struct image {
	void *data;
	size_t size;
};

static int write_file(const char *path, const struct image *image)
{
	FILE *file = fopen(path, "we");
	bool good = file && fwrite(image->data, 1, image->size, file) == image->size;

	if (file)
		good = fclose(file) == 0 && good;
	return good ? 0 : 1;
}

int plane_rules_compile(char **argv)
{
	struct image image = {.data = image_of_file(argv[0], &image.size)};
	int status = image.data ? write_file(argv[1], &image) : 1;

	free(image.data);
	return status;
}

static bool read_file(const char *path, struct image *image)
{
	FILE *file = fopen(path, "re");
	long size = -1;
	bool good;

	if (file && !fseek(file, 0, SEEK_END))
		size = ftell(file);
	image->size = size > 0 ? (size_t)size : 0;
	image->data = malloc(image->size + 1);
	good = size >= 0 && image->data && !fseek(file, 0, SEEK_SET) &&
			fread(image->data, 1, image->size, file) == image->size;
	if (file)
		fclose(file);
	return good;
}

/* The answer is left in message. */
static int pass(int socket, const struct image *image, uint64_t generation,
		struct vex_message *message)
{
	int fd = image ? image_pass(image->data, image->size, IMAGE_SEALS) : -1;
	int error;

	*message = (struct vex_message){.type = VEX_MESSAGE_RULES};
	message->rules.size = image ? image->size : 0;
	message->rules.generation = generation;
	snprintf(message->rules.name, sizeof(message->rules.name), "test");
	error = vex_message_ask(socket, message, fd, VEX_MESSAGE_DONE, NULL);
	if (fd >= 0)
		close(fd);
	if (error)
		fprintf(stderr, "plane-tool: %s\n", message->type == VEX_MESSAGE_REFUSED
						? message->reason : strerror(-error));
	return error;
}

static int print_answer(const struct vex_message *message)
{
	printf("{\"generation\":%" PRIu64 ",\"swap_ns\":%" PRIu64 "}\n", message->done.generation,
			message->done.swap_ns);
	return 0;
}

int plane_rules_pass(int socket, char **argv)
{
	struct vex_message message;
	struct image image;
	int status = 1;

	if (read_file(argv[0], &image) &&
			!pass(socket, &image, strtoull(argv[1], NULL, 10), &message))
		status = print_answer(&message);
	free(image.data);
	return status;
}

int plane_rules_unload(int socket)
{
	struct vex_message message;

	return pass(socket, NULL, 0, &message) ? 1 : print_answer(&message);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void sleep_until(uint64_t ns)
{
	uint64_t now = vex_clock_now();
	struct timespec rest = {.tv_sec = (time_t)((ns - now) / 1000000000u),
			.tv_nsec = (long)((ns - now) % 1000000000u)};

	if (now < ns)
		nanosleep(&rest, NULL);
}

static int reload(int socket, const struct image *images, unsigned count, char **how,
		uint64_t *swaps)
{
	uint64_t start = vex_clock_now(), end = start + (uint64_t)(atof(how[0]) * 1e9);
	uint64_t every = 1000000000u / (uint64_t)atoi(how[1]), generation = strtoull(how[2], NULL, 10);
	struct vex_message message;
	uint32_t done = 0;

	for (; vex_clock_now() < end && done < SWAPS_MAX; done++) {
		sleep_until(start + done * every);
		if (pass(socket, &images[done % count], generation + done, &message))
			return 1;
		swaps[done] = message.done.swap_ns;
	}
	qsort(swaps, done, sizeof(*swaps), compare);
	printf("{\"count\":%u,\"generation\":%" PRIu64 ",\"swap_median_ns\":%" PRIu64
	       ",\"swap_max_ns\":%" PRIu64 "}\n", done, generation + done - 1, swaps[done / 2],
			swaps[done - 1]);
	return 0;
}

int plane_rules_reload(int socket, char **argv)
{
	uint64_t *swaps = calloc(SWAPS_MAX, sizeof(*swaps));
	struct image images[IMAGES_MAX];
	unsigned count = 0;
	int status = swaps ? 0 : 1;

	while (!status && argv[3 + count] && count < IMAGES_MAX)
		status = read_file(argv[3 + count], &images[count]) ? (count++, 0) : 1;
	if (!status)
		status = count ? reload(socket, images, count, argv, swaps) : 2;
	while (count)
		free(images[--count].data);
	free(swaps);
	return status;
}

static int print_counts(const struct vex_rules_segment *segment)
{
	uint32_t count = segment->rule_count;
	struct vex_rule_stat *stats = calloc(count + 1ull, sizeof(*stats));
	int tries = READ_TRIES;

	while (stats && tries && !vex_rules_read(segment, segment->generation, 0, count, stats))
		tries--;
	for (uint32_t i = 0; tries && i < count; i++)
		printf("%s{\"matched\":%" PRIu64 ",\"routed\":%" PRIu64 ",\"limited\":%" PRIu64 "}",
				i ? "," : "[", stats[i].matched, stats[i].routed, stats[i].limited);
	printf(count ? "]\n" : "[]\n");
	free(stats);
	return tries ? 0 : 1;
}

int plane_rules_count(int socket)
{
	struct vex_message message = {.type = VEX_MESSAGE_RULE_COUNTERS};
	const struct vex_rules_segment *segment;
	int fd = -1, status = 1;

	if (vex_message_ask(socket, &message, -1, VEX_MESSAGE_DONE, &fd))
		return 1;
	segment = vex_rules_map(fd);
	close(fd);
	if (segment)
		status = print_counts(segment);
	vex_rules_unmap(segment);
	return status;
}
