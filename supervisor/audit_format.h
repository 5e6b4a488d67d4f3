/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_format.h - the audit log's files and lines: all that its writer
 * (supervisor/) and its verifier (tools/promptcraft/) have in common.
 *
 *   STATE/audit/audit.000001.log   records, one JSON object a line; the file
 *				    with the highest number is written to
 *   STATE/audit/key		    seed of the ed25519 key, hex, mode 0600
 *   STATE/audit/key.pub	    its public half, hex
 *   STATE/audit/torn.*		    ends of lines that a crash left unfinished
 *   STATE/audit.head		    the anchor: how far the log goes
 *
 * A record: {"seq":7,"time":"...","type":"job", ...,
 *	      "prev":"<hex>","hash":"<hex>","sig":"<hex>"}
 *
 *   seq   counts from 1 without gaps over all files
 *   prev  hash of the record before, 64 zeros in the first
 *   hash  SHA-256(32 bytes of prev || the line's bytes before `,"hash":"`)
 *   sig   ed25519 over AUDIT_SIGN_DOMAIN || log id (16 bytes) || file number
 *	   || seq (both 64 bits, little endian) || hash (32 bytes)
 *
 * The log id is the first 16 bytes of the SHA-256 of the public key.  A file's
 * first record is a log_open, which names the log, the file and the one before.
 *
 * The head is one line of AUDIT_HEAD_SIZE bytes, overwritten in place:
 *   {"log":"<hex>","boot":"<boot id>","synced":S,"file":F,"count":N,
 *    "hash":"<hex>","sig":"<hex>"}
 * count, hash and sig are those of the last record written, synced is the last
 * record that was forced to the disk.
 */
#ifndef PC_SUPERVISOR_AUDIT_FORMAT_H
#define PC_SUPERVISOR_AUDIT_FORMAT_H

#define AUDIT_DIR "audit"
#define AUDIT_FILE_FORMAT "audit.%06llu.log"
#define AUDIT_KEY_FILE "key"
#define AUDIT_PUBLIC_FILE "key.pub"
#define AUDIT_HEAD_FILE "audit.head"

#define AUDIT_LINE_MAX 16384 /* with its newline */
#define AUDIT_HEAD_SIZE 512
#define AUDIT_HASH_SIZE 32
#define AUDIT_LOG_ID_SIZE 16
#define AUDIT_KEY_SIZE 32 /* seed and public key */
#define AUDIT_SIG_SIZE 64
#define AUDIT_SIGN_DOMAIN "promptcraft audit record 1"
#define AUDIT_SIGNED_SIZE                                                      \
	(sizeof(AUDIT_SIGN_DOMAIN) - 1 + AUDIT_LOG_ID_SIZE + 8 + 8 +           \
	 AUDIT_HASH_SIZE)

#endif
