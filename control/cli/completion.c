/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

static const char globals[] = "--json --control --socket --color --help --version";

/* Both shells: the words before the cursor that are neither options nor their values. */
static const char words_loop[] =
	"\t\tcase $word in\n"
	"\t\t--control|--socket|--color) skip=1 ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) [ -n \"$skip\" ] && skip= || typed=\"$typed${typed:+ }$word\" ;;\n"
	"\t\tesac\n";

static const char bash_head[] =
	"# bash completion for vexctl; made by 'vexctl completion bash'\n"
	"_vexctl()\n"
	"{\n"
	"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal typed= skip= word list= options= files=\n"
	"\tCOMPREPLY=()\n"
	"\tcase $previous in\n"
	"\t--control|--socket|--rules|-w|-o) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"));"
	" return ;;\n"
	"\t--color) COMPREPLY=($(compgen -W 'auto always never' -- \"$current\")); return ;;\n"
	"\t--format) COMPREPLY=($(compgen -W 'text json ocsf' -- \"$current\")); return ;;\n"
	"\tesac\n"
	"\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n";

static const char bash_tail[] =
	"\tif [[ $current != -* && -n $files ]]; then\n"
	"\t\tcompopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); return\n"
	"\tfi\n"
	"\t[[ $current == -* ]] && list=\"$options\"\n"
	"\tCOMPREPLY=($(compgen -W \"$list\" -- \"$current\"))\n"
	"}\n"
	"complete -F _vexctl vexctl\n";

static const char zsh_head[] =
	"#compdef vexctl\n"
	"# zsh completion for vexctl; made by 'vexctl completion zsh'\n"
	"_vexctl()\n"
	"{\n"
	"\tlocal current=$words[CURRENT] previous=$words[CURRENT-1]\n"
	"\tlocal typed= skip= word list= options= files=\n"
	"\tcase $previous in\n"
	"\t--control|--socket|--rules|-w|-o) _files; return ;;\n"
	"\t--color) compadd auto always never; return ;;\n"
	"\t--format) compadd text json ocsf; return ;;\n"
	"\tesac\n"
	"\tfor word in \"${(@)words[2,CURRENT-1]}\"; do\n";

static const char zsh_tail[] =
	"\tif [[ $current != -* && -n $files ]]; then _files; return; fi\n"
	"\t[[ $current == -* ]] && list=\"$options\"\n"
	"\tcompadd -- ${=list}\n"
	"}\n"
	"# Loaded by its name it is the function itself; sourced it declares it.\n"
	"if [ \"$funcstack[1]\" = _vexctl ]; then _vexctl; else compdef _vexctl vexctl; fi\n";

static bool same_first(const struct command *a, const struct command *b)
{
	size_t len = strcspn(a->words, " ");

	return len == strcspn(b->words, " ") && !memcmp(a->words, b->words, len);
}

/* "status show port ..." */
static void print_first_words(void)
{
	const struct command *command;

	for (command = commands; command->words; command++)
		if (command == commands || !same_first(command, command - 1))
			printf("%s%.*s", command == commands ? "" : " ",
					(int)strcspn(command->words, " "), command->words);
}

/* The second words of the commands that begin as this one, which is the first of them. */
static void print_second_words(const struct command *first)
{
	const struct command *command;

	printf("\t'%.*s') list='", (int)strcspn(first->words, " "), first->words);
	for (command = first; command->words && same_first(first, command); command++)
		printf("%s%s", command == first ? "" : " ",
				command->words + strcspn(command->words, " ") + 1);
	puts("' ;;");
}

/* Whether files follow: a param of the type file. */
static void print_files(void)
{
	const struct command *command;

	puts("\tcase $typed in");
	for (command = commands; command->words; command++)
		if (strstr(command->params, ":file"))
			printf("\t'%s'*) files=1 ;;\n", command->words);
	puts("\tesac");
}

/* Choices of a param are its name: "bash|zsh:word". */
static void print_choices(const struct command *command)
{
	size_t len = strcspn(command->params, ":");
	const char *p;

	printf("\t'%s') list='", command->words);
	for (p = command->params; p < command->params + len; p++)
		putchar(*p == '|' ? ' ' : *p);
	puts("' ;;");
}

static void print_cases(void)
{
	const struct command *command;

	printf("\tcase $typed in\n\t'') list='");
	print_first_words();
	puts("' ;;");
	for (command = commands; command->words; command++) {
		bool again = command != commands && same_first(command, command - 1);

		if (strchr(command->words, ' ') && !again)
			print_second_words(command);
		if (strchr(command->params, '|') && strstr(command->params, ":word"))
			print_choices(command);
	}
	puts("\tesac");
}

static void print_options(void)
{
	const struct command *command;

	printf("\toptions='%s'\n\tcase $typed in\n", globals);
	for (command = commands; command->words; command++)
		if (*command_options(command))
			printf("\t'%s'*) options=\"$options %s\" ;;\n", command->words,
					command_options(command));
	puts("\tesac");
}

int vexctl_completion(int argc, char **argv)
{
	bool bash = argc == 2 && !strcmp(argv[1], "bash");

	if (!bash && (argc != 2 || strcmp(argv[1], "zsh"))) {
		vex_error("completion: for which shell? bash or zsh");
		return VEX_EXIT_USAGE;
	}
	fputs(bash ? bash_head : zsh_head, stdout);
	printf("%s\tdone\n", words_loop);
	print_cases();
	print_files();
	print_options();
	fputs(bash ? bash_tail : zsh_tail, stdout);
	return VEX_EXIT_OK;
}
