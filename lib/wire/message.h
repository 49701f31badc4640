/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of the control protocol: JSON-RPC 2.0, each message one line of JSON. Every request
 * has an id, an integer or a string, since every call is answered; params, where there are
 * any, are an object. Batches are not part of it. What is too large for a message follows its
 * request: a member "bytes" says how many bytes stand behind the newline.
 *
 * These functions are pure and thread-safe; what they allocate belongs to the caller.
 */
#ifndef VEX_WIRE_MESSAGE_H
#define VEX_WIRE_MESSAGE_H

#include <jansson.h>
#include <stddef.h>

/** Bytes of one message, its newline not counted. */
#define WIRE_MESSAGE_MAX (1u << 20)
/** Objects and arrays within each other, in one message. */
#define WIRE_DEPTH_MAX 16u
#define WIRE_METHOD_MAX 64u
/** Bytes that may follow a request, and of all requests at a server together. */
#define WIRE_BYTES_MAX (512u << 20)
/** Bytes of an id that is a string. */
#define WIRE_ID_MAX 64u
#define WIRE_TEXT_MAX 512u

/** JSON-RPC's own codes, then ours. */
enum wire_code {
	WIRE_PARSE = -32700,
	WIRE_INVALID = -32600,
	WIRE_NO_METHOD = -32601,
	WIRE_PARAMS = -32602,
	WIRE_INTERNAL = -32603,
	WIRE_AWAY = -32000,    /**< the data plane is not running */
	WIRE_DENIED = -32001,  /**< the caller may not do this */
	WIRE_REFUSED = -32002, /**< the data plane said no */
	WIRE_BUSY = -32003,    /**< a limit is reached; later it may work */
	WIRE_RULES = -32004,   /**< the rules are wrong, or there is no such version */
	WIRE_STATE = -32005,   /**< what is to be kept can't be: no room, no permission */
};

/** Why something failed: a code of wire_code and a sentence for people. */
struct wire_failure {
	int code;
	char text[WIRE_TEXT_MAX];
};

struct wire_request {
	json_t *root;       /**< owns what the others point into; NULL where nothing was parsed */
	json_t *id;         /**< NULL where none could be read */
	const char *method; /**< NULL where the request is not valid */
	json_t *params;     /**< an object, or NULL where there are none */
	size_t bytes;       /**< that follow the request, up to WIRE_BYTES_MAX */
};

void wire_fail(struct wire_failure *failure, int code, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

/**
 * Reads one request of len bytes, which need not end in NUL. Returns 0, or -EBADMSG with
 * failure filled; the request then bears the id that the answer must repeat, if one could be
 * read. In both cases the caller calls wire_request_clear().
 */
int wire_parse_request(const char *text, size_t len, struct wire_request *request,
		struct wire_failure *failure);

void wire_request_clear(struct wire_request *request);

/**
 * Reads the answer to the request with this id. Returns 0 with *result, a new reference; or
 * -EREMOTEIO with the failure that the other side named; or -EBADMSG with failure filled where
 * it is no answer to that request.
 */
int wire_parse_response(const char *text, size_t len, json_int_t id, json_t **result,
		struct wire_failure *failure);

/*
 * One message with its newline, to be freed by the caller; NULL where memory is short or the
 * message would be larger than WIRE_MESSAGE_MAX. id may be NULL for none. params and result
 * are borrowed; params may be NULL. bytes is how many will follow the request.
 */
char *wire_format_request(json_int_t id, const char *method, json_t *params, size_t bytes);
char *wire_format_result(json_t *id, json_t *result);
char *wire_format_failure(json_t *id, const struct wire_failure *failure);

#endif
