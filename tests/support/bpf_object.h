/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of eBPF as clang writes them, or nearly: what the reader of objects is tested with. */
#ifndef VEX_TESTS_SUPPORT_BPF_OBJECT_H
#define VEX_TESTS_SUPPORT_BPF_OBJECT_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define BPF_OBJECT_MAX 65536u

/** What an object holds; zeroed but for code it is good. */
struct bpf_object {
	const void *code;
	uint32_t count; /**< instructions, of eight bytes each */
	const char *section;   /**< NULL: filter */
	const char *needs;     /**< a symbol that a relocation is about, or NULL */
	unsigned functions;    /**< of the section, beside the first */
	unsigned twice;        /**< sections of the same name, beside the first */
	uint16_t machine;      /**< 0: EM_BPF */
	uint16_t type;         /**< 0: ET_REL */
	uint64_t flags;        /**< of the section; 0: alloc and exec */
	uint32_t cut;          /**< bytes that the section is short of */
};

/** Writes the object to out, which has BPF_OBJECT_MAX bytes; returns its size. */
size_t bpf_object_write(const struct bpf_object *object, uint8_t *out);

#endif
