/* program.c - which program this is, from /proc/self and from the notes that the linker leaves
 * in an executable. */
#include "lib/core/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More headers or a larger note than this are not what a linker writes. */
enum { MOST_HEADERS = 512, LARGEST_NOTE = 1 << 16 };

static const uint64_t FNV_BASIS = 0xcbf29ce484222325u, FNV_PRIME = 0x100000001b3u;

static uint64_t fnv1a(uint64_t hash, const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * FNV_PRIME;
    return hash;
}

const char *program_path(void) {
    static char path[PATH_MAX];
    if (!*path) {
        ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
        path[length > 0 ? length : 0] = '\0';
    }
    return path;
}

/* ---- The build id -------------------------------------------------------------------------- */

static bool read_at(int fd, void *to, size_t size, off_t offset) {
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (char *)to + done, size - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* Looks for the build id among the notes of one segment. */
static bool id_in_notes(const unsigned char *notes, size_t size, char id[PROGRAM_BUILD_ID]) {
    const size_t header = sizeof(ElfW(Nhdr));
    for (size_t at = 0; at + header <= size;) {
        ElfW(Nhdr) note;
        memcpy(&note, notes + at, header);
        at += header;
        size_t name = ((size_t)note.n_namesz + 3) & ~(size_t)3,
               value = ((size_t)note.n_descsz + 3) & ~(size_t)3;
        if (name > size - at || value > size - at - name) return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(notes + at, "GNU", 4) &&
            note.n_descsz > 0 && note.n_descsz < PROGRAM_BUILD_ID / 2) {
            for (size_t i = 0; i < note.n_descsz; i++)
                sprintf(id + 2 * i, "%02x", notes[at + name + i]);
            return true;
        }
        at += name + value;
    }
    return false;
}

static bool id_of_linker(int fd, char id[PROGRAM_BUILD_ID]) {
    ElfW(Ehdr) elf;
    bool found = false;
    if (!read_at(fd, &elf, sizeof elf, 0) || memcmp(elf.e_ident, ELFMAG, SELFMAG) ||
        elf.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        elf.e_phnum > MOST_HEADERS || elf.e_phentsize != sizeof(ElfW(Phdr)))
        return false;
    for (int i = 0; i < elf.e_phnum && !found; i++) {
        ElfW(Phdr) segment;
        if (!read_at(fd, &segment, sizeof segment,
                     (off_t)elf.e_phoff + (off_t)i * (off_t)sizeof segment))
            return false;
        if (segment.p_type != PT_NOTE || segment.p_filesz > LARGEST_NOTE) continue;
        unsigned char *notes = malloc(segment.p_filesz);
        found = notes && read_at(fd, notes, segment.p_filesz, (off_t)segment.p_offset) &&
                id_in_notes(notes, segment.p_filesz, id);
        free(notes);
    }
    return found;
}

static bool id_of_contents(int fd, char id[PROGRAM_BUILD_ID]) {
    unsigned char bytes[16384];
    uint64_t hash = FNV_BASIS;
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, bytes, sizeof bytes, at)) != 0; at += n) {
        if (n < 0 && errno == EINTR) {
            n = 0;
            continue;
        }
        if (n < 0) return false;
        hash = fnv1a(hash, bytes, (size_t)n);
    }
    sprintf(id, "fnv1a:%016" PRIx64, hash);
    return true;
}

int program_build_id_of(const char *path, char id[PROGRAM_BUILD_ID]) {
    int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    *id = '\0';
    if (fd < 0) return -errno;
    if (!id_of_linker(fd, id) && !id_of_contents(fd, id)) {
        rc = -errno;
        *id = '\0';
    }
    close(fd);
    return rc;
}

const char *program_build_id(void) {
    static char id[PROGRAM_BUILD_ID];
    if (!*id && program_build_id_of("/proc/self/exe", id)) strcpy(id, "unknown");
    return id;
}

uint32_t program_fingerprint_of(const char *build_id) {
    uint64_t hash = fnv1a(FNV_BASIS, (const unsigned char *)build_id, strlen(build_id));
    return (uint32_t)(hash ^ hash >> 32);
}

uint32_t program_fingerprint(void) { return program_fingerprint_of(program_build_id()); }

/* ---- The arguments ------------------------------------------------------------------------- */

/* The whole of a file of /proc, whose size cannot be asked for. NULL: no memory. Unreadable:
 * empty. */
static char *read_whole(const char *path, size_t *length) {
    size_t room = 4096;
    char *text = malloc(room);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *length = 0;
    while (text && fd >= 0) {
        if (*length == room) {
            char *larger = realloc(text, room *= 2);
            if (!larger) {
                free(text);
                text = NULL;
                break;
            }
            text = larger;
        }
        ssize_t n = read(fd, text + *length, room - *length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        *length += (size_t)n;
    }
    if (fd >= 0) close(fd);
    return text;
}

/* Bytes that are no valid UTF-8 are kept: the program has to be started with the same ones. */
char *program_arguments(void) {
    size_t length;
    char *given = read_whole("/proc/self/cmdline", &length);
    char *json = given ? malloc(6 * length + 8) : NULL, *to = json;
    if (!json) {
        free(given);
        return NULL;
    }
    *to++ = '[';
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)given[i];
        if (i == 0) *to++ = '"';
        if (byte == '\0') {
            *to++ = '"';
            if (i + 1 < length) *to++ = ',', *to++ = '"';
        } else if (byte == '"' || byte == '\\') {
            *to++ = '\\', *to++ = (char)byte;
        } else if (byte < 0x20) {
            to += sprintf(to, "\\u%04x", byte);
        } else {
            *to++ = (char)byte;
        }
    }
    if (length > 0 && given[length - 1] != '\0') *to++ = '"';
    strcpy(to, "]");
    free(given);
    return json;
}
