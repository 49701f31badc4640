/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program of the user's is given: one event, as a structure of fixed layout. A program is
 * eBPF, compiled by clang for a machine of that name:
 *
 *   clang -O2 -target bpf -I INCLUDE/vexplane -c sparse.c -o sparse.o
 *
 *   #include "abi/program.h"
 *
 *   VEX_PROGRAM(filter)
 *   {
 *           return event->type == VEX_TRUNCATE && event->size > 1u << 30;
 *   }
 *
 * A program is one function in a section by its name. It says yes by any value but 0. It reads the
 * event and its own stack, calls nothing, has no loop that is left when it is compiled (bounded
 * ones are unrolled), no global variable and no map. docs/rules.md, "Programs", tells its limits.
 */
#ifndef VEX_ABI_PROGRAM_H
#define VEX_ABI_PROGRAM_H

#include "abi/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which groups of struct vex_program_event the event has; what it has not is 0. */
enum vex_program_has {
	VEX_PROGRAM_HAS_TASK = 1 << 0,    /**< tid, ppid */
	VEX_PROGRAM_HAS_TENANT = 1 << 1,  /**< tenant */
	VEX_PROGRAM_HAS_FILE = 1 << 2,    /**< dev, ino, parent_ino, mode, flags */
	VEX_PROGRAM_HAS_RANGE = 1 << 3,   /**< offset, size */
	VEX_PROGRAM_HAS_PATH = 1 << 4,    /**< path, name, path_end */
	VEX_PROGRAM_HAS_PATH2 = 1 << 5,   /**< path2 */
	VEX_PROGRAM_HAS_COMM = 1 << 6,    /**< comm */
	VEX_PROGRAM_HAS_PARENT2 = 1 << 7, /**< parent2_ino */
	VEX_PROGRAM_HAS_GRAPH = 1 << 8,   /**< graph */
	VEX_PROGRAM_HAS_VECTOR = 1 << 9,  /**< vector */
};

#define VEX_PROGRAM_PATH 256u
#define VEX_PROGRAM_NAME 64u
#define VEX_PROGRAM_COMM 32u
#define VEX_PROGRAM_END 32u

/**
 * An event. Texts are cut where they are longer than their place less one, and end in NUL bytes up
 * to the end of their place; lengths are those of the whole texts.
 */
struct vex_program_event {
	uint32_t has;       /**< enum vex_program_has, or-ed */
	uint16_t type;      /**< enum vex_type */
	uint8_t boundary;   /**< enum vex_boundary */
	uint8_t zero;
	int32_t result;     /**< 0 or a positive count; a negative errno on failure */
	uint32_t node;      /**< of the event's id, as port, lane and seq */
	uint16_t port;
	uint16_t lane;
	uint32_t pid;
	uint32_t tid;       /**< pid where the event has no TASK */
	uint32_t ppid;
	uint32_t uid;
	uint32_t gid;
	uint32_t tenant;
	uint32_t mode;
	uint32_t flags;
	uint32_t zero2;
	uint64_t seq;
	uint64_t start_ns;  /**< since 1970 */
	uint64_t duration_ns;
	uint64_t dev;
	uint64_t ino;
	uint64_t parent_ino;
	uint64_t parent2_ino;
	uint64_t offset;
	uint64_t size;
	struct vex_attr_graph graph;
	struct vex_attr_vector vector;
	uint32_t path_len;
	uint32_t path2_len;
	uint32_t name_len;
	uint32_t comm_len;
	char path[VEX_PROGRAM_PATH];   /**< fd.name */
	char path2[VEX_PROGRAM_PATH];  /**< fs.path2 */
	char name[VEX_PROGRAM_NAME];   /**< fd.filename: the path behind its last slash */
	char comm[VEX_PROGRAM_COMM];   /**< proc.name */
	char path_end[VEX_PROGRAM_END]; /**< last bytes of the path, up to this place's end; NULs before */
};

VEX_STATIC_ASSERT(sizeof(struct vex_program_event) == 856, "programs rely on it: never changed");
VEX_STATIC_ASSERT(offsetof(struct vex_program_event, path) == 216, "programs rely on it");

#ifdef __bpf__
/** Begins a program in a section of that name; its argument is `event`. */
#define VEX_PROGRAM(section_name)                                                                  \
	uint64_t section_name##_program(const struct vex_program_event *event);                    \
	__attribute__((section(#section_name), used)) uint64_t section_name##_program(             \
			const struct vex_program_event *event)

/* Bytes of a literal compared with those of a field, all of them, without a branch. */
#define VEX_PROGRAM_SAME(field, text, len)                                                         \
	({                                                                                         \
		uint8_t differ_ = 0;                                                               \
		_Pragma("clang loop unroll(full)") for (uint32_t i_ = 0; i_ < (len); i_++)         \
				differ_ |= (uint8_t)((field)[i_] ^ (text)[i_]);                    \
		!differ_;                                                                          \
	})

/** Whether a text of the event begins with, or is, or the path ends with, a literal that fits it. */
#define VEX_STARTS(field, text) VEX_PROGRAM_SAME((field), (text), sizeof(text) - 1)
#define VEX_IS(field, text) VEX_PROGRAM_SAME((field), (text), sizeof(text))
#define VEX_ENDS(event, text)                                                                      \
	VEX_PROGRAM_SAME((event)->path_end + VEX_PROGRAM_END - (sizeof(text) - 1), (text),         \
			sizeof(text) - 1)
#endif

#ifdef __cplusplus
}
#endif
#endif
