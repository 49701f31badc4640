/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/stream.h"
#include "cli/top_view.h"

#define ROWS 10u
#define INTERVAL_NS 1000000000u
#define INTERVAL_MAX_NS 3600000000000u
#define HEADINGS 8u /* lines of a screen that are no rows, and an "other" row a list */

/* A screen of its own, no cursor, long lines cut off; and back. */
#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[Jcounting...\n"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define SCREEN_HOME "\033[H\033[J"

struct top_command {
	struct stream_options options;
	uint64_t interval_ns;
	uint64_t printed;
	bool screen;
	struct top top;
};

/* Without a slash it is the directory that the process works in. */
static struct vex_bytes directory(const struct vex_event *event)
{
	struct vex_bytes path = {.data = "", .len = 0};
	const char *text;

	if (!(event->has & VEX_HAS_PATH))
		return path;
	path = event->path;
	text = path.data;
	while (path.len && text[path.len - 1] != '/')
		path.len--;
	if (!path.len)
		return (struct vex_bytes){.data = ".", .len = 1};
	path.len -= path.len > 1;
	return path;
}

static int count_event(void *context, const struct vex_record *record,
		const struct vex_event *event)
{
	struct top *top = &((struct top_command *)context)->top;
	struct vex_bytes comm = {.data = "", .len = 0};

	(void)record;
	if (event->type == VEX_GAP) {
		top->lost += event->gap.count;
		return 0;
	}
	if (event->has & VEX_HAS_COMM)
		comm = event->comm;
	top_count_add(&top->all, event);
	top_count_add(&top->types[event->type % VEX_TYPE_LIMIT], event);
	top_table_add(top->processes, event->pid, comm, event);
	top_table_add(top->directories, 0, directory(event), event);
	return 0;
}

static unsigned rows_of_screen(void)
{
	struct winsize size;
	unsigned rows;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return ROWS;
	rows = size.ws_row > HEADINGS + 4 ? (size.ws_row - HEADINGS - 4u) / 3 : 1;
	return rows ? rows : 1;
}

static int print_text(const struct top_command *command)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int ret;

	if (!out)
		return -ENOMEM;
	if (command->screen)
		fputs(SCREEN_HOME, out);
	top_print(out, &command->top, command->screen ? rows_of_screen() : ROWS);
	if (!command->screen)
		fputc('\n', out);
	ret = fclose(out) ? -ENOMEM : stream_write(text, len);
	free(text);
	return ret;
}

static int print_json(const struct top_command *command)
{
	char *text = top_to_json(&command->top, ROWS);
	int ret;

	if (!text)
		return -ENOMEM;
	ret = stream_write(text, strlen(text));
	free(text);
	return ret ? ret : stream_write("\n", 1);
}

static int end_interval(void *context, uint64_t elapsed_ns)
{
	struct top_command *command = context;
	struct top *top = &command->top;
	int ret;

	top->elapsed_ns = elapsed_ns;
	top_table_sort(top->processes);
	top_table_sort(top->directories);
	ret = vexctl.json ? print_json(command) : print_text(command);
	if (ret < 0)
		return ret;
	top_table_next(top->processes);
	top_table_next(top->directories);
	memset(top->types, 0, sizeof(top->types));
	top->all = (struct top_count){0};
	top->lost = 0;
	return command->options.count && ++command->printed >= command->options.count;
}

static int read_interval(struct top_command *command, const char *text)
{
	if (stream_read_seconds(text, &command->interval_ns) &&
			command->interval_ns <= INTERVAL_MAX_NS)
		return 0;
	vex_error("top: --interval must be seconds, 0.001 to 3600, not '%s'", text);
	return VEX_EXIT_USAGE;
}

static int read_options(struct top_command *command, int argc, char **argv)
{
	static const struct option longs[] = {
		STREAM_OPTIONS, {"interval", required_argument, NULL, 'i'}, {NULL},
	};
	bool begun = false;
	int ret = 0;
	int option;

	while (!ret && (option = options_next(argc, argv, "", longs, &begun)) != -1) {
		if (option == 'i')
			ret = read_interval(command, optarg);
		else if (option == '?')
			return VEX_EXIT_USAGE;
		else
			ret = stream_option(&command->options, option, optarg);
	}
	if (!ret && argv[optind])
		return stream_usage(&command->options, argv);
	return ret;
}

static bool on_screen(void)
{
	const char *term = getenv("TERM");

	return !vexctl.json && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
}

static int begin(void *context)
{
	const struct top_command *command = context;

	return command->screen ? stream_write(SCREEN_ENTER, strlen(SCREEN_ENTER)) : 0;
}

static int watch(struct top_command *command)
{
	struct stream_sink sink = {
		.context = command,
		.begin = begin,
		.event = count_event,
		.tick = end_interval,
		.tick_ns = command->interval_ns,
	};
	int ret;

	command->top.processes = calloc(1, sizeof(*command->top.processes));
	command->top.directories = calloc(1, sizeof(*command->top.directories));
	command->screen = on_screen();
	ret = command->top.processes && command->top.directories
			? stream_run(&command->options, &sink) : -ENOMEM;
	if (command->screen && ret <= 0)
		stream_write(SCREEN_LEAVE, strlen(SCREEN_LEAVE));
	free(command->top.processes);
	free(command->top.directories);
	if (ret < 0)
		vex_error("top: %s", strerror(-ret));
	return ret ? VEX_EXIT_FAILED : VEX_EXIT_OK;
}

int vexctl_top(int argc, char **argv)
{
	struct top_command command = {
		.options.command = argv[0],
		.interval_ns = INTERVAL_NS,
	};
	int ret = read_options(&command, argc, argv);

	if (!ret)
		ret = watch(&command);
	where_clear(&command.options.where);
	return ret;
}
