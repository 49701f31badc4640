/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/bpf_object.h"

#include <string.h>

enum { NONE, STRINGS, CODE, SYMBOLS, RELOCATIONS, TWIN, SECTIONS };

struct writer {
	uint8_t *out;
	size_t len;
	Elf64_Shdr heads[SECTIONS];
	uint32_t strings; /* bytes used */
};

static size_t put(struct writer *writer, const void *data, size_t len)
{
	size_t at = (writer->len + 7) & ~7ul;

	memset(writer->out + writer->len, 0, at - writer->len);
	memcpy(writer->out + at, data, len);
	writer->len = at + len;
	return at;
}

static uint32_t string(struct writer *writer, const char *text)
{
	uint32_t at = writer->strings;
	size_t len = strlen(text) + 1;

	memcpy(writer->out + writer->heads[STRINGS].sh_offset + at, text, len);
	writer->strings += (uint32_t)len;
	return at;
}

static void put_symbols(struct writer *writer, const struct bpf_object *object)
{
	Elf64_Sym symbols[8] = {{0}};
	unsigned count = 1;
	unsigned i;

	for (i = 0; i <= object->functions && count < 7; i++)
		symbols[count++] = (Elf64_Sym){.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = CODE, .st_name = string(writer, "f")};
	if (object->needs)
		symbols[count++] = (Elf64_Sym){.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
			.st_name = string(writer, object->needs)};
	writer->heads[SYMBOLS] = (Elf64_Shdr){.sh_type = SHT_SYMTAB, .sh_link = STRINGS,
		.sh_entsize = sizeof(*symbols), .sh_size = count * sizeof(*symbols),
		.sh_offset = put(writer, symbols, count * sizeof(*symbols)), .sh_info = 1,
		.sh_name = string(writer, ".symtab")};
}

static void put_code(struct writer *writer, const struct bpf_object *object)
{
	size_t len = object->count * 8ul - object->cut;

	writer->heads[CODE] = (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_size = len,
		.sh_flags = object->flags ? object->flags : SHF_ALLOC | SHF_EXECINSTR,
		.sh_offset = put(writer, object->code, len),
		.sh_name = string(writer, object->section ? object->section : "filter")};
	if (object->twice)
		writer->heads[TWIN] = writer->heads[CODE];
}

static void put_relocation(struct writer *writer, const struct bpf_object *object)
{
	Elf64_Rel relocation = {.r_info = ELF64_R_INFO(2 + object->functions, 1)};

	if (object->needs)
		writer->heads[RELOCATIONS] = (Elf64_Shdr){.sh_type = SHT_REL, .sh_link = SYMBOLS,
			.sh_info = CODE, .sh_entsize = sizeof(relocation),
			.sh_size = sizeof(relocation),
			.sh_offset = put(writer, &relocation, sizeof(relocation)),
			.sh_name = string(writer, ".relfilter")};
}

size_t bpf_object_write(const struct bpf_object *object, uint8_t *out)
{
	static const char strings[256];
	struct writer writer = {.out = out, .strings = 1};
	Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = object->type ? object->type : ET_REL, .e_version = EV_CURRENT,
		.e_machine = object->machine ? object->machine : EM_BPF,
		.e_ehsize = sizeof(head), .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = SECTIONS,
		.e_shstrndx = STRINGS};

	put(&writer, &head, sizeof(head));
	writer.heads[STRINGS] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_size = sizeof(strings),
		.sh_offset = put(&writer, strings, sizeof(strings))};
	put_code(&writer, object);
	put_symbols(&writer, object);
	put_relocation(&writer, object);
	head.e_shoff = put(&writer, writer.heads, sizeof(writer.heads));
	memcpy(out, &head, sizeof(head));
	return writer.len;
}
