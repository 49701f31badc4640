/* SPDX-License-Identifier: BSD-3-Clause */
#include "vex/vex.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/membarrier.h"
#include "base/message.h"
#include "vex/lane_set.h"
#include "vex/link.h"

#define RING_SIZE_DEFAULT (1u << 20)
#define LANES_MAX 64u

/*
 * The link's thread hands a new set over through next; the reader's thread takes it once the
 * current one is lost and empty, and frees the old one. So no lock is on the reader's way.
 */
struct vex_subscription {
	struct lane_set *current; /* the reader's */
	struct lane_set *next;	  /* released by the link, acquired and cleared by the reader */
	struct lane_set *fresh;	  /* the link's: the set of the live connection */
	int wake[2]; /* the reader polls the first; data plane and link write to the second */
	uint32_t id;
	bool holding; /* records of the last read may still be in use */
	struct vex_subscription_stats stats;
	struct vex_subscribe_options options;
	char name[VEX_NAME_MAX];
	struct vex_link link;
};

static int attach_lane(struct vex_subscription *sub, struct target_lane *lane, uint32_t number)
{
	struct vex_message message = {.type = VEX_MESSAGE_LANE_ADD};
	int error = vex_page_map_create(&lane->page);
	int fd = -1;

	if (error)
		return error;
	lane->page.page->sleep_epoch = 0;
	message.lane.lane = number;
	message.lane.ring_size = sub->options.ring_size;
	error = vex_message_ask(sub->link.socket, &message, lane->page.fd,
			VEX_MESSAGE_LANE_ADDED, &fd);
	if (error)
		return vex_fail(error, "%s: %s", sub->link.path,
				message.type == VEX_MESSAGE_REFUSED ? message.reason
								    : strerror(-error));
	close(lane->page.fd);
	lane->page.fd = -1;
	error = vex_ring_map_open(&lane->ring, fd, message.lane.ring_size);
	if (error)
		return error;
	vex_lane_reader_init(&lane->reader, lane->ring.ring, lane->ring.lines,
			lane->ring.ring_size, lane->page.page, lane->ring.page);
	return 0;
}

static int hello(struct vex_subscription *sub, uint32_t *count)
{
	struct vex_message message = {.type = VEX_MESSAGE_HELLO};
	int error;

	message.hello.role = VEX_ROLE_SUBSCRIBER;
	message.hello.boundary = sub->options.boundary;
	message.hello.filter = sub->options.filter;
	message.hello.ring_size = sub->options.ring_size;
	memcpy(message.hello.name, sub->name, sizeof(sub->name));
	error = vex_message_ask(sub->link.socket, &message, sub->wake[1], VEX_MESSAGE_WELCOME, NULL);
	if (error)
		return vex_fail(error, "%s: %s", sub->link.path,
				message.type == VEX_MESSAGE_REFUSED ? message.reason
								    : strerror(-error));
	*count = message.welcome.count;
	VEX_STORE_RELAXED(&sub->id, message.welcome.id);
	if (!*count || *count > LANES_MAX)
		return vex_fail(-EPROTO, "the data plane offers %u lanes", *count);
	return 0;
}

static void wake_reader(struct vex_subscription *sub)
{
	send(sub->wake[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int attach_subscription(void *owner)
{
	struct vex_subscription *sub = owner;
	struct vex_message start = {.type = VEX_MESSAGE_START};
	struct lane_set *set = NULL;
	uint32_t count = 0;
	int error;

	if (VEX_LOAD_ACQUIRE(&sub->next)) /* the reader has not even taken the set before */
		return -EAGAIN;
	error = hello(sub, &count);
	if (!error && !(set = lane_set_make(count)))
		error = -ENOMEM;
	for (uint32_t i = 0; i < count && !error; i++)
		error = attach_lane(sub, &set->lanes[i], i);
	if (!error)
		error = vex_message_ask(sub->link.socket, &start, -1, VEX_MESSAGE_DONE, NULL);
	if (error) {
		lane_set_free(set);
		return error;
	}
	sub->fresh = set;
	VEX_STORE_RELEASE(&sub->next, set);
	wake_reader(sub);
	return 0;
}

static void lose_subscription(void *owner)
{
	struct vex_subscription *sub = owner;

	VEX_STORE_RELEASE(&sub->fresh->lost, true);
	sub->fresh = NULL;
	wake_reader(sub);
}

static void close_wake(struct vex_subscription *sub)
{
	for (int i = 0; i < 2; i++)
		if (sub->wake[i] >= 0)
			close(sub->wake[i]);
}

int vex_subscribe(const struct vex_subscribe_options *options, struct vex_subscription **out)
{
	struct vex_subscription *sub = calloc(1, sizeof(*sub));
	int error;

	if (!sub)
		return vex_fail(-ENOMEM, "out of memory");
	sub->options = *options;
	sub->wake[0] = sub->wake[1] = -1;
	if (!sub->options.ring_size)
		sub->options.ring_size = RING_SIZE_DEFAULT;
	vex_copy_name(sub->name, options->name);
	sub->link.owner = sub;
	sub->link.attach = attach_subscription;
	sub->link.lost = lose_subscription;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sub->wake) < 0)
		error = vex_fail(-errno, "socketpair: %s", strerror(errno));
	else if (!vex_ring_size_valid(sub->options.ring_size))
		error = vex_fail(-EINVAL, "a lane of %llu bytes: want a power of two, 4 KiB to 1 GiB",
				(unsigned long long)sub->options.ring_size);
	else
		error = vex_link_open(&sub->link, options->socket, options->connect_ms,
				options->background != 0);
	if (error) {
		close_wake(sub);
		free(sub);
		return error;
	}
	*out = sub;
	return 0;
}

void vex_unsubscribe(struct vex_subscription *sub)
{
	struct lane_set *next;

	if (!sub)
		return;
	vex_release(sub);
	vex_link_close(&sub->link);
	next = VEX_LOAD_ACQUIRE(&sub->next);
	lane_set_free(next);
	if (next != sub->current)
		lane_set_free(sub->current);
	close_wake(sub);
	free(sub);
}

void vex_release(struct vex_subscription *sub)
{
	if (!sub->holding)
		return;
	lane_set_release(sub->current);
	sub->holding = false;
}

/* Takes the next data plane's lanes over, once those of the last one are empty. */
static bool switch_set(struct vex_subscription *sub)
{
	struct lane_set *next = VEX_LOAD_ACQUIRE(&sub->next);

	if (!next)
		return false;
	lane_set_free(sub->current);
	sub->current = next;
	VEX_STORE_RELEASE(&sub->next, (struct lane_set *)NULL);
	return true;
}

static int read_set(struct vex_subscription *sub, const struct vex_record **records,
		uint32_t count)
{
	uint32_t n = lane_set_read(sub->current, records, count, &sub->stats);

	sub->holding = n > 0;
	return (int)n;
}

int vex_read(struct vex_subscription *sub, const struct vex_record **records, uint32_t count)
{
	int n;

	vex_release(sub);
	if (VEX_UNLIKELY(!sub->current) && !switch_set(sub))
		return -ENOTCONN;
	n = read_set(sub, records, count);
	if (VEX_LIKELY(n > 0) || !VEX_LOAD_ACQUIRE(&sub->current->lost))
		return n;
	/* What was written before the loss became known is visible now: look once more. */
	n = read_set(sub, records, count);
	if (n > 0)
		return n;
	n = (int)lane_set_last_words(sub->current, records, count, &sub->stats);
	if (n > 0)
		return n;
	return switch_set(sub) ? read_set(sub, records, count) : -ENOTCONN;
}

static bool ready(struct vex_subscription *sub)
{
	if (VEX_LOAD_ACQUIRE(&sub->next) && (!sub->current || sub->current->lost))
		return true;
	return sub->current && !lane_set_empty(sub->current);
}

int vex_wait(struct vex_subscription *sub, int timeout_ms)
{
	struct pollfd fds = {.fd = sub->wake[0], .events = POLLIN};
	char ignored[8];
	int n = 0;

	vex_release(sub);
	lane_set_sleep(sub->current, true);
	vex_membarrier();
	if (!ready(sub))
		n = poll(&fds, 1, timeout_ms);
	else
		n = 1;
	if (n < 0)
		n = -errno;
	while (recv(sub->wake[0], ignored, sizeof(ignored), MSG_DONTWAIT) >= 0)
		;
	lane_set_sleep(sub->current, false);
	return n;
}

void vex_subscription_get_stats(struct vex_subscription *sub, struct vex_subscription_stats *stats)
{
	*stats = sub->stats;
	pthread_mutex_lock(&sub->link.lock);
	stats->reconnects = sub->link.attaches ? sub->link.attaches - 1 : 0;
	pthread_mutex_unlock(&sub->link.lock);
	stats->connected = vex_link_connected(&sub->link);
	stats->subscriber = VEX_LOAD_RELAXED(&sub->id);
}
