/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of eBPF to instructions. */
#include <errno.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule/program_work.h"
#include "rule/rule.h"

struct object {
	Elf *elf;
	size_t names; /* section of the sections' names */
	const char *section;
	struct rule_program_why *why;
};

static int wrong(struct object *object, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

static int wrong(struct object *object, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(object->why->text, sizeof(object->why->text), format, args);
	va_end(args);
	return -EINVAL;
}

static int check_header(struct object *object)
{
	GElf_Ehdr head;

	if (!object->elf || elf_kind(object->elf) != ELF_K_ELF || !gelf_getehdr(object->elf, &head))
		return wrong(object, "it is no ELF file");
	if (gelf_getclass(object->elf) != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB ||
			head.e_machine != EM_BPF)
		return wrong(object, "it is for another machine than eBPF: compile with -target bpf");
	if (head.e_type != ET_REL)
		return wrong(object, "it is no object as clang -c writes it");
	if (elf_getshdrstrndx(object->elf, &object->names))
		return wrong(object, "it has no names of sections");
	return 0;
}

static bool is_named(const struct object *object, const GElf_Shdr *head)
{
	const char *name = elf_strptr(object->elf, object->names, head->sh_name);

	return name && !strcmp(name, object->section);
}

/* The section, of which there must be one. */
static int find_section(struct object *object, Elf_Scn **found)
{
	Elf_Scn *at = NULL;
	GElf_Shdr head;

	*found = NULL;
	while ((at = elf_nextscn(object->elf, at))) {
		if (!gelf_getshdr(at, &head) || !is_named(object, &head))
			continue;
		if (*found)
			return wrong(object, "it has two sections '%s'", object->section);
		if (head.sh_type != SHT_PROGBITS || !(head.sh_flags & SHF_EXECINSTR))
			return wrong(object, "section '%s' is no code", object->section);
		*found = at;
	}
	return *found ? 0 : wrong(object, "it has no section '%s'", object->section);
}

/* What the first relocation of a section is about. */
static const char *needed(const struct object *object, Elf_Scn *relocations, const GElf_Shdr *head)
{
	Elf_Scn *symbols = elf_getscn(object->elf, head->sh_link);
	Elf_Data *data = elf_getdata(relocations, NULL);
	GElf_Rel rel;
	GElf_Shdr table;
	GElf_Sym symbol;

	if (!symbols || !gelf_getshdr(symbols, &table) || table.sh_type != SHT_SYMTAB ||
			head->sh_type != SHT_REL || !gelf_getrel(data, 0, &rel) ||
			!gelf_getsym(elf_getdata(symbols, NULL), (int)GELF_R_SYM(rel.r_info), &symbol))
		return NULL;
	if (GELF_ST_TYPE(symbol.st_info) == STT_SECTION)
		return "data of its own: a text or a table that is no constant of an instruction";
	return elf_strptr(object->elf, table.sh_link, symbol.st_name);
}

static int check_relocations(struct object *object, Elf_Scn *section)
{
	Elf_Scn *at = NULL;
	const char *name;
	GElf_Shdr head;

	while ((at = elf_nextscn(object->elf, at))) {
		if (!gelf_getshdr(at, &head) || !head.sh_size ||
				(head.sh_type != SHT_REL && head.sh_type != SHT_RELA) ||
				head.sh_info != elf_ndxscn(section))
			continue;
		name = needed(object, at, &head);
		return wrong(object, "section '%s' needs %.80s; programs have no maps, no global "
				"variables and no other functions", object->section,
				name && *name ? name : "what is not in it");
	}
	return 0;
}

/* A section of two functions would begin with the one that the compiler put first. */
static int check_functions(struct object *object, Elf_Scn *section)
{
	Elf_Scn *at = NULL;
	unsigned functions = 0;
	GElf_Shdr head;
	GElf_Sym symbol;
	int i;

	while ((at = elf_nextscn(object->elf, at))) {
		if (!gelf_getshdr(at, &head) || head.sh_type != SHT_SYMTAB)
			continue;
		for (i = 0; gelf_getsym(elf_getdata(at, NULL), i, &symbol); i++)
			functions += GELF_ST_TYPE(symbol.st_info) == STT_FUNC &&
					symbol.st_shndx == elf_ndxscn(section);
	}
	if (functions > 1)
		return wrong(object, "section '%s' holds %u functions, not one", object->section,
				functions);
	return 0;
}

static int take_code(struct object *object, Elf_Scn *section, uint64_t **code, uint32_t *count)
{
	Elf_Data *data = elf_getdata(section, NULL);

	if (!data || !data->d_buf || !data->d_size || data->d_size % sizeof(**code) ||
			data->d_size / sizeof(**code) > RULE_CODE_MAX)
		return wrong(object, "section '%s' is empty, cut off, or of more than %u instructions",
				object->section, RULE_CODE_MAX);
	*code = malloc(data->d_size);
	if (!*code)
		return -ENOMEM;
	memcpy(*code, data->d_buf, data->d_size);
	*count = (uint32_t)(data->d_size / sizeof(**code));
	return 0;
}

static int extract(struct object *object, uint64_t **code, uint32_t *count)
{
	Elf_Scn *section = NULL;
	int error = check_header(object);

	if (!error)
		error = find_section(object, &section);
	if (!error)
		error = check_relocations(object, section);
	if (!error)
		error = check_functions(object, section);
	return error ? error : take_code(object, section, code, count);
}

int rule_program_extract(const void *data, size_t size, const char *section, uint64_t **code,
		uint32_t *count, struct rule_program_why *why)
{
	struct object object = {.section = section, .why = why};
	char *copy = size ? malloc(size) : NULL; /* libelf may write into it */
	int error;

	*code = NULL;
	*count = 0;
	if (!size)
		return wrong(&object, "it is no ELF file");
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, size);
	elf_version(EV_CURRENT);
	object.elf = elf_memory(copy, size);
	error = extract(&object, code, count);
	elf_end(object.elf);
	free(copy);
	return error;
}
