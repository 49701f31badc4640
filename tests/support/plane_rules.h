/* SPDX-License-Identifier: BSD-3-Clause */
/* What plane-tool does with rules. Each returns an exit code. */
#ifndef VEX_TESTS_SUPPORT_PLANE_RULES_H
#define VEX_TESTS_SUPPORT_PLANE_RULES_H

/** Compiles a text into a file that holds the image. */
int plane_rules_compile(char **text_and_image);

/** Passes an image, as it stands in a file. FILE GENERATION. Prints the answer as JSON. */
int plane_rules_pass(int socket, char **file_and_generation);

int plane_rules_unload(int socket);

/**
 * Passes images by turns, so many a second, for so long. SECONDS A_SECOND GENERATION IMAGE...:
 * generations go up from there. Prints how many were, and how long swaps took, as JSON.
 */
int plane_rules_reload(int socket, char **how);

/** Waits until what each rule of the set in force counted can be read, and prints it as JSON. */
int plane_rules_count(int socket);

#endif
