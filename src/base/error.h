/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What went wrong, for a person to read. Everything below the bridge reports failure as
 * `return false` and fills one of these; nothing below the bridge exits or aborts.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum pe_code {
  PE_OK = 0,
  PE_ERROR_ARGUMENT,    /* the caller asked for something that makes no sense */
  PE_ERROR_IO,          /* the operating system refused; errno is in the message */
  PE_ERROR_FORMAT,      /* a file or text is damaged or hostile; `offset` says where */
  PE_ERROR_TRUNCATED,   /* input ends too early; `offset` is the byte that would be needed */
  PE_ERROR_UNSUPPORTED, /* well-formed, but this engine does not do it */
  PE_ERROR_LIMIT,       /* a limit that protects the computer was reached */
  PE_ERROR_MEMORY,      /* host memory */
  PE_ERROR_DEVICE,      /* a GPU call failed */
  PE_ERROR_DEVICE_MEMORY,
  PE_ERROR_DEVICE_LOST, /* the device must be destroyed and created again */
  PE_ERROR_CONTEXT_FULL,
  PE_ERROR_CANCELLED,
};

#define PE_NO_OFFSET UINT64_MAX

struct pe_error {
  enum pe_code code;
  uint64_t offset;   /* byte offset in the input, or PE_NO_OFFSET */
  char message[480]; /* UTF-8, one sentence, no final full stop, untrusted parts escaped */
};

/* Both fill *error (which may be NULL) and return false, so that a failing function can end with
 * `return pe_fail (...)`. Control characters in the formatted message are replaced by '?'. */
bool pe_fail (struct pe_error *error, enum pe_code code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
bool pe_fail_at (struct pe_error *error, enum pe_code code, uint64_t offset, const char *format,
                 ...) __attribute__ ((format (printf, 4, 5)));

/* Puts "`prefix`: " before the message of an error that a callee reported; returns false. */
bool pe_fail_prefix (struct pe_error *error, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
