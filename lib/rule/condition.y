/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The grammar of conditions. Whether names mean something is not its business, so that a misspelt
 * one is no error of syntax; behind an error it goes on at the next and, or, or parenthesis.
 */
%code requires {
#include "rule/condition.h"
}
%code {
int condition_yylex(union CONDITION_YYSTYPE *value, struct rule_pos *pos, void *scanner);
static void condition_yyerror(struct rule_pos *pos, struct parse *parse, void *scanner,
		const char *message);

#define YYMAXDEPTH 2000
#define YYLLOC_DEFAULT(Current, Rhs, N) ((Current) = (N) ? YYRHSLOC(Rhs, 1) : YYRHSLOC(Rhs, 0))
}

%define api.pure full
%define api.prefix {condition_yy}
%define api.location.type {struct rule_pos}
%define parse.error custom
%define parse.lac full
%locations
%lex-param {void *scanner}
%parse-param {struct parse *parse} {void *scanner}

%union {
	struct expr *expr;
	struct word *word;
	struct words words;
	struct field_word field;
}

%token AND "and" OR "or" NOT "not"
%token <field> FIELD "a field"
%token <word> NAME "a macro" PROGRAM "a program" OP "an operator" LISTOP "an operator of lists"
%token <word> EXISTS "exists" BADOP "such an operator" WORD "a value" LISTNAME "the name of a list"
%token <word> TRANSFORM "a transformer" STRAY "such a character"
%token '(' "'('" ')' "')'" ',' "','"
%token YYEOF 0 "the end"

%type <expr> all or and unary test
%type <words> words
%type <field> field changed

%%

all: or				{ parse->result = $1; }
	;

or: and
	| or OR and		{ if (!($$ = condition_join(parse, EXPR_OR, $1, $3, @1))) YYNOMEM; }
	;

and: unary
	| and AND unary		{ if (!($$ = condition_join(parse, EXPR_AND, $1, $3, @1))) YYNOMEM; }
	;

unary: test
	| NOT unary		{ if (!($$ = condition_not(parse, $2, @1))) YYNOMEM; }
	| '(' or ')'		{ $$ = $2; parse->parentheses--; }
	| NAME			{ if (!($$ = condition_name(parse, EXPR_NAME, $1))) YYNOMEM; }
	| PROGRAM		{ if (!($$ = condition_name(parse, EXPR_PROGRAM, $1))) YYNOMEM; }
	| error			{ if (!($$ = condition_name(parse, EXPR_NAME, NULL))) YYNOMEM; }
	;

test: field EXISTS
		{ if (!($$ = condition_test(parse, &$1, $2, EXPR_NO_VALUE, (struct words){0}))) YYNOMEM; }
	| field OP WORD
		{ if (!($$ = condition_test(parse, &$1, $2, EXPR_ONE_VALUE, (struct words){$3, $3, 1}))) YYNOMEM; }
	| field OP changed
		{ if (!($$ = condition_test(parse, &$3, $2, EXPR_NO_VALUE, (struct words){0}))) YYNOMEM; }
	| field LISTOP '(' words ')'
		{ if (!($$ = condition_test(parse, &$1, $2, EXPR_VALUE_LIST, $4))) YYNOMEM; }
	| field LISTOP '(' ')'
		{ if (!($$ = condition_test(parse, &$1, $2, EXPR_VALUE_LIST, (struct words){0}))) YYNOMEM; }
	| field LISTOP LISTNAME
		{ if (!($$ = condition_test(parse, &$1, $2, EXPR_LIST_NAME, (struct words){$3, $3, 1}))) YYNOMEM; }
	| field LISTOP changed
		{ if (!($$ = condition_test(parse, &$3, $2, EXPR_NO_VALUE, (struct words){0}))) YYNOMEM; }
	| field BADOP WORD
		{ if (!($$ = condition_test(parse, &$1, $2, EXPR_ONE_VALUE, (struct words){$3, $3, 1}))) YYNOMEM; }
	| field BADOP '(' words ')'
		{ if (!($$ = condition_test(parse, &$1, $2, EXPR_VALUE_LIST, $4))) YYNOMEM; }
	;

field: FIELD
	| changed
	;

changed: TRANSFORM field ')'
		{ $$ = $2; $$.foreign = $1->text; $$.pos = @1; }
	;

words: WORD			{ $$ = (struct words){$1, $1, 1}; }
	| words ',' WORD	{ $$ = $1; $$.last->next = $3; $$.last = $3; $$.count++; }
	;

%%

/* Only what is not an error of syntax comes here: the stack is full, memory is. */
static void condition_yyerror(struct rule_pos *pos, struct parse *parse, void *scanner,
		const char *message)
{
	(void)scanner;
	(void)message;
	if (!parse->load->error)
		load_say(parse->load, RULE_ERROR, RULE_DIAG_LIMIT, *pos, NULL,
				"the condition is nested too deep");
	parse->failed = true;
}

static int yyreport_syntax_error(const yypcontext_t *context, struct parse *parse, void *scanner)
{
	yysymbol_kind_t found = yypcontext_token(context);
	yysymbol_kind_t kinds[16];
	char expected[256];
	size_t len = 0;
	int count = yypcontext_expected_tokens(context, kinds, 16);
	int i;

	(void)scanner;
	expected[0] = '\0';
	for (i = 0; i < count && len < sizeof(expected); i++) {
		const char *name = yysymbol_name(kinds[i]);

		if (kinds[i] == YYSYMBOL_BADOP || kinds[i] == YYSYMBOL_TRANSFORM)
			continue;
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s%s",
				len ? ", " : "", name);
	}
	condition_say_unexpected(parse, *yypcontext_location(context),
			found == YYSYMBOL_YYEMPTY ? NULL : yysymbol_name(found), expected);
	return 0;
}
