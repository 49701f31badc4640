/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels and processors in how a call is redirected, and where files say by
 * which path they were opened: TAP_HAVE_* by Kbuild.
 */
#ifndef VEX_TAP_COMPAT_H
#define VEX_TAP_COMPAT_H

#include <linux/ftrace.h>

#include "tap.h"

#ifndef CONFIG_X86_64
#error "vex_tap knows the calling convention of x86-64 alone"
#endif

/* Registers are always saved where ftrace passes them on; di and si are all that is read here. */
#define TAP_OPS_FLAGS 0

static __always_inline struct pt_regs *tap_regs(struct ftrace_regs *fregs)
{
#ifdef TAP_HAVE_ARCH_FTRACE_REGS
	return &arch_ftrace_regs(fregs)->regs;
#else
	return &fregs->regs;
#endif
}

static __always_inline void tap_redirect(struct ftrace_regs *fregs, tap_function to)
{
	tap_regs(fregs)->ip = (unsigned long)to;
}

/* That of the file by which a user opened it. */
static inline const struct path *tap_user_path(struct file *file)
{
#ifdef TAP_HAVE_USER_PATH
	return file_user_path(file);
#else
	return &file->f_path;
#endif
}

/*
 * With indirect branch tracking a function can be called only where it begins; then its hook sees
 * our own call as well, and lets it pass. Otherwise we go on behind the call of the hook.
 */
#ifdef CONFIG_X86_KERNEL_IBT
#define TAP_ENTRY_OFFSET ENDBR_INSN_SIZE
#define tap_skips_own_calls true
static inline tap_function tap_behind(unsigned long entry)
{
	return (tap_function)(entry - ENDBR_INSN_SIZE);
}
#else
#define TAP_ENTRY_OFFSET 0
#define tap_skips_own_calls false
static inline tap_function tap_behind(unsigned long entry)
{
	return (tap_function)(entry + MCOUNT_INSN_SIZE);
}
#endif

#endif
