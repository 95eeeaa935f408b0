/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads one INI file and reports every section, key and malformed line to its caller.  Owns the open file
 * and the line in hand.  It must never block (on a FIFO of this name), guess, or skip a line silently.
 *
 * inih divides "key = value ; comment", and is given no other lines.  It cannot parse the rest for us: it
 * reports only the first line that it does not understand, cuts a long section name, and skips an empty
 * section; and options of its build, which each distribution chooses, decide whether it takes an indented
 * line for the continuation of the one before (INI_ALLOW_MULTILINE) and says where a section begins
 * (INI_CALL_HANDLER_ON_NEW_SECTION). */

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/ownership.h"
#include "config/inifile.h"
#include "config/trust.h"

#define BLANKS " \t\r\n\v\f"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct Reader {
        const IniEvents *events;
        void *userdata;
        FILE *file;
        char *text; /* the line in hand, with its newline */
        size_t text_capacity;
        unsigned line;
        int result; /* what inifile_read() returns; reading goes on while it is 0 */
} Reader;

__attribute__((format(printf, 2, 3))) static void reader_error(Reader *reader, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&message, format, arguments) < 0) {
                message = NULL;
                reader->result = -ENOMEM;
        }
        va_end(arguments);
        if (message)
                reader->events->on_error(message, reader->line, reader->userdata);
}

/* Reports why the file cannot be read, and ends the reading. */
static void reader_fail(Reader *reader, const char *why) {
        reader->result = INIFILE_UNREADABLE;
        reader_error(reader, "%s", why);
}

/* Does a comment begin at this byte of the line?  Elsewhere '#' and ';' are bytes of a name or a value. */
static bool begins_comment(const char *text, size_t at) {
        const char *end;

        if (at == 0)
                return *text == '#' || *text == ';';
        if (text[at] != ';')
                return false;
        if (*text != '[')
                return strchr(BLANKS, text[at - 1]);
        end = memchr(text, ']', at);
        return end && end + 1 + strspn(end + 1, BLANKS) == text + at;
}

/* Returns whether the line is plain text of a fitting length; reports why it is not. */
static bool reader_check_bytes(Reader *reader, const char *text, size_t length, size_t length_max) {
        if (memchr(text, '\0', length)) {
                reader_error(reader, "NUL byte; a configuration is plain text");
                return false;
        }
        if (length > length_max) {
                reader_error(reader, "line is longer than %zu bytes", length_max);
                return false;
        }
        for (size_t i = 0; i < length && !begins_comment(text, i); i++) {
                unsigned char byte = (unsigned char)text[i];

                if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
                        reader_error(reader, "control byte 0x%02x; a configuration is plain text", byte);
                        return false;
                }
        }
        return true;
}

/* Returns what stands between the brackets, or NULL after an error was reported. */
static char *reader_divide_section(Reader *reader, char *text) {
        char *end = strchr(text, ']'), *rest;

        if (!end) {
                reader_error(reader, "'[' without ']'");
                return NULL;
        }
        rest = end + 1 + strspn(end + 1, BLANKS);
        if (*rest != '\0' && *rest != ';') {
                reader_error(reader, "'%s' after ']'; only a comment that begins with ';' may follow", rest);
                return NULL;
        }
        text += 1 + strspn(text + 1, BLANKS);
        while (end > text && strchr(BLANKS, end[-1]))
                end--;
        *end = '\0';
        return text;
}

/* Refuses what inih would accept: it takes ':' for '=', skips a line that has neither, and removes a byte
 * order mark from the first line that it is given, which need not be the file's. */
static bool reader_check_key(Reader *reader, const char *text) {
        if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
                reader_error(reader, "byte order mark that is not at the start of the file");
                return false;
        }
        if (*text == '=') {
                reader_error(reader, "no key before '='; write 'key = value'");
                return false;
        }
        if (text[strcspn(text, "=:;")] != '=') {
                reader_error(reader, "no '=' after the key; write 'key = value'");
                return false;
        }
        return true;
}

/* Returns the line in hand, trimmed, where inih is to divide it; NULL where it is done with. */
static const char *reader_take_line(Reader *reader, size_t length, size_t length_max) {
        char *text = reader->text;
        bool good;

        if (reader->line == 1 && strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
                text += strlen(BYTE_ORDER_MARK);
        text += strspn(text, BLANKS);
        length -= (size_t)(text - reader->text);
        while (length > 0 && text[length - 1] != '\0' && strchr(BLANKS, text[length - 1]))
                length--;
        good = reader_check_bytes(reader, text, length, length_max);
        text[length] = '\0';
        if (*text == '[') {
                const char *section = good ? reader_divide_section(reader, text) : NULL;

                if (reader->result == 0)
                        reader->result = reader->events->on_section(section, reader->line, reader->userdata);
                return NULL;
        }
        if (!good || length == 0 || *text == ';' || *text == '#' || !reader_check_key(reader, text))
                return NULL;
        return text;
}

/* Replaces fgets(3) for inih: returns the next line for it, always whole and with a newline. */
static char *on_inih_read(char *buffer, int size, void *userdata) {
        Reader *reader = userdata;

        while (reader->result == 0) {
                ssize_t length;
                const char *text;

                errno = 0;
                length = getline(&reader->text, &reader->text_capacity, reader->file);
                if (length < 0) {
                        if (errno == ENOMEM)
                                reader->result = -ENOMEM;
                        else if (!feof(reader->file))
                                reader_fail(reader, strerror(errno));
                        return NULL;
                }
                reader->line++;
                text = reader_take_line(reader, (size_t)length, (size_t)size - 2);
                if (text) {
                        (void)stpcpy(stpcpy(buffer, text), "\n");
                        return buffer;
                }
        }
        return NULL;
}

static int on_inih_key(void *userdata, const char *section, const char *key, const char *value) {
        Reader *reader = userdata;

        (void)section;
        if (reader->result == 0)
                reader->result = reader->events->on_key(key, value, reader->line, reader->userdata);
        return reader->result == 0;
}

static void reader_open(Reader *reader, const char *path) {
        _cleanup_close_ int fd = -EBADF;
        struct stat status;
        const char *fault;

        /* O_NONBLOCK: open(2) of a FIFO would wait for a writer. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &status) < 0)
                reader_fail(reader, strerror(errno));
        else if (S_ISDIR(status.st_mode))
                reader_fail(reader, strerror(EISDIR));
        else if (!S_ISREG(status.st_mode))
                reader_fail(reader, "not a regular file");
        else if (status.st_size > INIFILE_SIZE_MAX)
                reader_fail(reader, "larger than 16 MiB");
        else if ((fault = trust_fault(&status, TRUST_FILE))) {
                reader->result = INIFILE_UNREADABLE;
                reader_error(reader, "%s %s", fault, path);
        } else
                reader->file = fdopen(fd, "re");
        if (reader->file)
                TAKE_FD(fd);
        else if (reader->result == 0)
                reader->result = -errno;
}

static void reader_done(Reader *reader) {
        free(reader->text);
        if (reader->file)
                (void)fclose(reader->file);
}

int inifile_read(const char *path, const IniEvents *events, void *userdata) {
        _cleanup_(reader_done) Reader reader = {.events = events, .userdata = userdata};
        int r;

        reader_open(&reader, path);
        if (reader.result != 0)
                return reader.result;
#if HAVE_INI_MAX_LINE
        /* The buffer that inih hands to on_inih_read() also holds a newline and a NUL. */
        ini_max_line = INIFILE_LINE_MAX + 2;
#endif
        r = ini_parse_stream(on_inih_read, &reader, on_inih_key, &reader);
        if (reader.result != 0)
                return reader.result;
        /* inih was given only lines that it can divide, so that only memory can be missing. */
        return r == 0 ? 0 : -ENOMEM;
}
