/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/stream.h"

struct capture {
	struct stream_options options;
	const char *path;
	struct vex_capture *file;
	uint64_t packets;
	uint64_t gaps;
	uint64_t lost;
};

static int write_event(void *context, const struct vex_record *record,
		const struct vex_event *event)
{
	struct capture *capture = context;
	int ret = vex_capture_write(capture->file, record);

	if (ret < 0)
		return ret;
	capture->packets++;
	if (event->type == VEX_GAP) {
		capture->gaps++;
		capture->lost += event->gap.count;
	}
	return capture->options.count &&
			capture->packets - capture->gaps >= capture->options.count;
}

/* So that who reads the file along sees whole batches, and a crash costs little. */
static int end_batch(void *context)
{
	struct capture *capture = context;

	return vex_capture_flush(capture->file);
}

static int read_options(struct capture *capture, int argc, char **argv)
{
	static const struct option longs[] = {
		STREAM_OPTIONS, {"write", required_argument, NULL, 'w'}, {NULL},
	};
	bool begun = false;
	int ret = 0;
	int option;

	while (!ret && (option = options_next(argc, argv, "w:", longs, &begun)) != -1) {
		if (option == 'w')
			capture->path = optarg;
		else if (option == '?')
			return VEX_EXIT_USAGE;
		else
			ret = stream_option(&capture->options, option, optarg);
	}
	if (!ret && argv[optind])
		return stream_usage(&capture->options, argv);
	if (!ret && !capture->path) {
		vex_error("capture: -w FILE is missing");
		return VEX_EXIT_USAGE;
	}
	return ret;
}

/* On stderr where standard output is the capture. */
static void print_summary(const struct capture *capture)
{
	const char *format = vexctl.json
			? "{\"packets\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"lost\":%" PRIu64 "}\n"
			: "captured %" PRIu64 " packets, %" PRIu64 " of them GAPs; %" PRIu64
			  " events lost\n";

	fprintf(strcmp(capture->path, "-") ? stdout : stderr, format, capture->packets, capture->gaps, capture->lost);
}

/* Only now, so that a file is not emptied for nothing. */
static int begin(void *context)
{
	struct capture *capture = context;

	return vex_capture_create(capture->path, &capture->file);
}

static int capture_stream(struct capture *capture)
{
	struct stream_sink sink = {
		.context = capture,
		.drains = true,
		.begin = begin,
		.event = write_event,
		.batch = end_batch,
	};
	int ret = stream_run(&capture->options, &sink);
	int error = vex_capture_close(capture->file);

	if (ret > 0)
		return VEX_EXIT_FAILED;
	if (!ret && error != -EPIPE)
		ret = error;
	if (ret) {
		vex_error("capture: %s: %s", capture->path, strerror(-ret));
		return VEX_EXIT_FAILED;
	}
	print_summary(capture);
	return VEX_EXIT_OK;
}

int vexctl_capture(int argc, char **argv)
{
	struct capture capture = {.options.command = argv[0]};
	int ret = read_options(&capture, argc, argv);

	if (!ret && !strcmp(capture.path, "-") && isatty(STDOUT_FILENO)) {
		vex_error("capture: -w - writes binary data: send it to a file or a pipe");
		ret = VEX_EXIT_USAGE;
	}
	if (!ret)
		ret = capture_stream(&capture);
	where_clear(&capture.options.where);
	return ret;
}
