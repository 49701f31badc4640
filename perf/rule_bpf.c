/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule_bpf.h"

#include <errno.h>
#include <string.h>

#include <rte_bpf.h>
#include <rte_errno.h>

#include "base/log.h"
#include "clock.h"
#include "event/event.h"

#define FILTERS 64u
#define EVENTS 4096u
#define ROUNDS 8u

/* What a filter compares. */
struct values {
	uint64_t size;
	uint64_t offset;
	int64_t result;
};

#define LOAD(to, member)                                                                           \
	{.code = BPF_LDX | BPF_MEM | EBPF_DW, .dst_reg = (to), .src_reg = EBPF_REG_1,              \
			.off = offsetof(struct values, member)}
#define JUMP(kind, reg, value, over)                                                               \
	{.code = BPF_JMP | (kind) | BPF_K, .dst_reg = (reg), .imm = (value), .off = (over)}
#define SAY(value) {.code = EBPF_ALU64 | EBPF_MOV | BPF_K, .dst_reg = EBPF_REG_0, .imm = (value)}
#define LEAVE {.code = BPF_JMP | EBPF_EXIT}

/* fs.size > 512 * i and fs.offset < 65536 * (i + 1) and event.result >= 0 */
static struct rte_bpf *filter(unsigned i)
{
	const struct ebpf_insn code[] = {
		LOAD(EBPF_REG_2, size), JUMP(EBPF_JLE, EBPF_REG_2, (int32_t)(512 * i), 6),
		LOAD(EBPF_REG_3, offset), JUMP(BPF_JGE, EBPF_REG_3, (int32_t)(65536 * (i + 1)), 4),
		LOAD(EBPF_REG_4, result), JUMP(EBPF_JSLT, EBPF_REG_4, 0, 2),
		SAY(1), LEAVE, SAY(0), LEAVE,
	};
	const struct rte_bpf_prm prm = {
		.ins = code, .nb_ins = sizeof(code) / sizeof(code[0]),
		.prog_arg = {.type = RTE_BPF_ARG_PTR, .size = sizeof(struct values)},
	};

	return rte_bpf_load(&prm);
}

static int load(struct rte_bpf **filters, struct rte_bpf_jit *compiled)
{
	unsigned i;

	for (i = 0; i < FILTERS; i++) {
		filters[i] = filter(i);
		if (!filters[i] || rte_bpf_get_jit(filters[i], &compiled[i]) || !compiled[i].func) {
			vex_error("rte_bpf does not load or compile a filter: %s",
					strerror(filters[i] ? ENOTSUP : rte_errno));
			return -EIO;
		}
	}
	return 0;
}

static unsigned take(const struct vex_record *const *records, unsigned count, struct values *values)
{
	unsigned i;

	count = count < EVENTS ? count : EVENTS;
	for (i = 0; i < count; i++) {
		struct vex_event_space space;
		struct vex_event event;

		vex_event_decode(records[i], &event, &space);
		values[i] = (struct values){event.size, event.offset, event.result};
	}
	return count;
}

int rule_bpf_measure(const struct vex_record *const *records, unsigned count, double *ns)
{
	static struct values values[EVENTS];
	struct rte_bpf_jit compiled[FILTERS];
	struct rte_bpf *filters[FILTERS] = {NULL};
	uint64_t yes = 0;
	uint64_t start;
	unsigned round;
	unsigned event;
	unsigned i;
	int error = load(filters, compiled);

	count = take(records, count, values);
	start = spent_ns();
	for (round = 0; !error && round < ROUNDS; round++)
		for (event = 0; event < count; event++)
			for (i = 0; i < FILTERS; i++)
				yes += compiled[i].func(&values[event]);
	*ns = (double)(spent_ns() - start) / (ROUNDS * (double)count);
	if (!error && !yes) {
		vex_error("64 filters of rte_bpf let no event through");
		error = -EIO;
	}
	for (i = 0; i < FILTERS; i++)
		rte_bpf_destroy(filters[i]);
	return error;
}
