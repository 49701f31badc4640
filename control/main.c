/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/listen.h"
#include "base/log.h"
#include "call.h"
#include "rules.h"

/* What the command line says stands above what the file says, also after a reload. */
struct options {
	const char *config_file;
	const char *socket;
	const char *data_socket;
	const char *state_dir;
	bool log_json;
	bool check_config;
};

enum option_id {
	OPTION_SOCKET = 256,
	OPTION_DATA_SOCKET,
	OPTION_STATE_DIR,
	OPTION_CONFIG,
	OPTION_CHECK_CONFIG,
	OPTION_LOG_JSON,
	OPTION_FOREGROUND,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"data-socket", required_argument, NULL, OPTION_DATA_SOCKET},
	{"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
	{"log-json", no_argument, NULL, OPTION_LOG_JSON},
	{"foreground", no_argument, NULL, OPTION_FOREGROUND},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"Usage: vex-control [OPTION]...\n"
	"The control daemon of vexplane: answers vexctl, and keeps in touch with vex-dataplane.\n"
	"\n"
	"  --socket PATH       where vexctl finds it (" CONTROL_SOCKET_DEFAULT ")\n"
	"  --data-socket PATH  where the data plane is found (" VEX_SOCKET_DEFAULT ")\n"
	"  --state-dir FOLDER  where versions of the rules are kept (" CONFIG_STATE_DEFAULT ")\n"
	"  --config FILE       read the configuration from this file; SIGHUP reads it again\n"
	"  --check-config      check the configuration and exit: 0 good, 78 bad\n"
	"  --log-json          log JSON lines\n"
	"  --foreground        stay in the foreground; it always does\n"
	"  --help, --version\n";


static int parse_options(int argc, char **argv, struct options *options)
{
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (c) {
		case OPTION_SOCKET:
			options->socket = optarg;
			break;
		case OPTION_DATA_SOCKET:
			options->data_socket = optarg;
			break;
		case OPTION_STATE_DIR:
			options->state_dir = optarg;
			break;
		case OPTION_CONFIG:
			options->config_file = optarg;
			break;
		case OPTION_CHECK_CONFIG:
			options->check_config = true;
			break;
		case OPTION_LOG_JSON:
			options->log_json = true;
			break;
		case OPTION_FOREGROUND:
			break;
		case OPTION_VERSION:
			puts("vex-control " VEX_VERSION);
			exit(VEX_EXIT_OK);
		case 'h':
			fputs(usage, stdout);
			exit(VEX_EXIT_OK);
		default:
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "vex-control: '%s' is not expected\n", argv[optind]);
		return -1;
	}
	return 0;
}

static int set_path(char *path, const char *value, char *text, size_t cap)
{
	if (!value)
		return 0;
	if (!*value || strlen(value) >= CONFIG_PATH_MAX) {
		snprintf(text, cap, "socket path '%.150s' is empty or longer than %zu bytes", value,
				CONFIG_PATH_MAX - 1);
		return -1;
	}
	strcpy(path, value);
	return 0;
}

static int load(const struct options *options, struct config *config)
{
	char text[WIRE_TEXT_MAX];

	config_defaults(config);
	if ((options->config_file &&
			config_load(config, options->config_file, text, sizeof(text)) < 0) ||
			set_path(config->socket, options->socket, text, sizeof(text)) < 0 ||
			set_path(config->data_socket, options->data_socket, text,
			sizeof(text)) < 0) {
		vex_error("%s", text);
		return -1;
	}
	if (options->state_dir && (*options->state_dir != '/' ||
			strlen(options->state_dir) >= sizeof(config->state_dir))) {
		vex_error("--state-dir takes an absolute path of at most %zu bytes",
				sizeof(config->state_dir) - 1);
		return -1;
	}
	if (options->state_dir)
		strcpy(config->state_dir, options->state_dir);
	if (options->log_json)
		config->log_json = true;
	return 0;
}

/* Sockets and the store stay as they are: those who hold on to them could not follow. */
static void reload(struct control *control, const struct options *options)
{
	struct config config;

	if (load(options, &config) < 0) {
		vex_warn("the configuration stays as it was");
		return;
	}
	if (strcmp(config.socket, control->config.socket) ||
			strcmp(config.data_socket, control->config.data_socket) ||
			strcmp(config.state_dir, control->config.state_dir))
		vex_warn("another socket or state_dir takes effect only after a restart");
	strcpy(config.socket, control->config.socket);
	strcpy(config.data_socket, control->config.data_socket);
	strcpy(config.state_dir, control->config.state_dir);
	control->config = config;
	vex_log_setup("vex-control", (enum vex_log_level)config.log_level, config.log_json);
	vex_info("configuration read again");
	rules_reload(control->rules);
}

struct signals {
	struct control *control;
	const struct options *options;
	uv_signal_t handles[3];
};

static void on_signal(uv_signal_t *handle, int number)
{
	struct signals *signals = handle->data;

	if (number == SIGHUP) {
		reload(signals->control, signals->options);
		return;
	}
	vex_info("stopping: %s", strsignal(number));
	uv_stop(handle->loop);
}

static void watch_signals(struct signals *signals)
{
	static const int numbers[] = {SIGHUP, SIGTERM, SIGINT};
	unsigned i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uv_signal_init(&signals->control->loop, &signals->handles[i]);
		signals->handles[i].data = signals;
		uv_signal_start(&signals->handles[i], on_signal, numbers[i]);
	}
}

static void on_plane_found(void *context)
{
	struct control *control = context;

	if (control->rules)
		rules_plane_found(control->rules);
}

static int serve(struct control *control)
{
	char text[WIRE_TEXT_MAX];
	int fd = vex_listen(control->config.socket, SOCK_STREAM, 0666, text, sizeof(text));
	int ret;

	if (fd < 0) {
		vex_error("%s", text);
		return VEX_EXIT_CONFIG;
	}
	ret = wire_server_start(&control->loop, fd, &control_calls, control, &control->server);
	if (!ret)
		ret = plane_start(&control->loop, control->config.data_socket, on_plane_found,
				control, &control->plane);
	if (!ret)
		ret = rules_start(control, &control->rules);
	if (ret < 0) {
		vex_error("cannot start: %s", strerror(-ret));
		return VEX_EXIT_FAILED;
	}
	vex_info("listening at %s", control->config.socket);
	uv_run(&control->loop, UV_RUN_DEFAULT);
	unlink(control->config.socket);
	return VEX_EXIT_OK;
}

/* Frees in the order in which things answer to each other, then lets libuv close them. */
static void stop(struct control *control, struct signals *signals)
{
	unsigned i;

	rules_stop(control->rules);
	plane_stop(control->plane);
	wire_server_stop(control->server);
	for (i = 0; i < sizeof(signals->handles) / sizeof(signals->handles[0]); i++)
		uv_close((uv_handle_t *)&signals->handles[i], NULL);
	uv_run(&control->loop, UV_RUN_DEFAULT);
	uv_loop_close(&control->loop);
	rules_free(control->rules);
	free(control->copy);
}

static int run(const struct options *options)
{
	struct control control = {0};
	struct signals signals = {.control = &control, .options = options};
	struct timespec now;
	int ret;

	if (load(options, &control.config) < 0)
		return VEX_EXIT_CONFIG;
	if (options->check_config) {
		vex_info("the configuration is good");
		return VEX_EXIT_OK;
	}
	vex_log_setup("vex-control", (enum vex_log_level)control.config.log_level,
			control.config.log_json);
	clock_gettime(CLOCK_REALTIME, &now);
	control.started_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	control.copy = aligned_alloc(_Alignof(struct vex_stat_segment), sizeof(*control.copy));
	if (!control.copy || uv_loop_init(&control.loop) < 0) {
		vex_error("out of memory");
		free(control.copy);
		return VEX_EXIT_FAILED;
	}
	signal(SIGPIPE, SIG_IGN);
	watch_signals(&signals);
	ret = serve(&control);
	stop(&control, &signals);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = {0};

	vex_log_setup("vex-control", VEX_LOG_INFO, false);
	if (parse_options(argc, argv, &options) < 0) {
		fputs("Try 'vex-control --help'.\n", stderr);
		return VEX_EXIT_USAGE;
	}
	vex_log_setup("vex-control", VEX_LOG_INFO, options.log_json);
	return run(&options);
}
