/* test_program.c - what a program is known by: what its linker wrote, else its contents. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/core/program.h"
#include "tests/harness.h"

/* ---- Reading that is interrupted, or fails ---------------------------------------------------- */

static int error;
static long left; /* calls until the one that fails */

ssize_t pread(int fd, void *to, size_t size, off_t at) {
    if (left && --left == 0) {
        errno = error;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, size, at);
}

/* ---- Files ------------------------------------------------------------------------------------ */

enum { VALUE = 20 };

/* As a linker makes it: a segment that is loaded, and one of notes, the second of them the id. */
static struct file {
    Elf64_Ehdr head;
    Elf64_Phdr segments[2];
    struct {
        Elf64_Nhdr head;
        char name[8];
        unsigned char value[4];
    } other;
    struct {
        Elf64_Nhdr head;
        char name[4];
        unsigned char value[VALUE];
    } note;
} file;

static char path[64];

static void make(void) {
    file = (struct file){
        .head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64},
                 .e_phoff = offsetof(struct file, segments),
                 .e_phnum = 2,
                 .e_phentsize = sizeof(Elf64_Phdr)},
        .segments = {{.p_type = PT_LOAD},
                     {.p_type = PT_NOTE,
                      .p_offset = offsetof(struct file, other),
                      .p_filesz = sizeof file.other + sizeof file.note}},
        .other = {.head = {.n_namesz = 5, .n_descsz = 2, .n_type = NT_GNU_BUILD_ID},
                  .name = "PIRN"},
        .note = {.head = {.n_namesz = 4, .n_descsz = VALUE, .n_type = NT_GNU_BUILD_ID},
                 .name = "GNU"}};
    for (int i = 0; i < VALUE; i++) file.note.value[i] = (unsigned char)(0xa0 + i);
}

static int id_of(size_t size, char id[PROGRAM_BUILD_ID]) {
    FILE *to;
    snprintf(path, sizeof path, "test-program-%d", (int)getpid());
    to = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    CU_ASSERT_EQUAL(fwrite(&file, 1, size, to), size);
    fclose(to);
    int rc = program_build_id_of(path, id);
    unlink(path);
    return rc;
}

static const char linked[] = "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3";

/* Whether the id is the linker's; else it has to be that of the contents. */
static bool is_linked(size_t size) {
    char id[PROGRAM_BUILD_ID];
    CU_ASSERT_EQUAL(id_of(size, id), 0);
    if (!strcmp(id, linked)) return true;
    CU_ASSERT(!strncmp(id, "fnv1a:", 6) && strlen(id) == 6 + 16);
    return false;
}

static void linkers_word_counts(void) {
    make();
    CU_ASSERT(is_linked(sizeof file));
}

#define UNLESS(change)                      \
    do {                                    \
        make();                             \
        change;                             \
        CU_ASSERT(!is_linked(sizeof file)); \
    } while (0)

static void nothing_else_is_taken_for_it(void) {
    UNLESS(file.head.e_ident[0] = 0);
    UNLESS(file.head.e_ident[EI_CLASS] = ELFCLASS32);
    UNLESS(file.head.e_phnum = 1);
    UNLESS(file.head.e_phnum = 0xfffe);
    UNLESS(file.head.e_phentsize = 1);
    UNLESS(file.head.e_phoff = sizeof file);
    UNLESS(file.segments[1].p_type = PT_INTERP);
    UNLESS(file.segments[1].p_filesz = 1 << 20);
    UNLESS(file.segments[1].p_offset = sizeof file - 4);
    UNLESS(file.segments[1].p_filesz = sizeof file.other);
    UNLESS(file.segments[1].p_filesz -= 4);
    UNLESS(file.other.head.n_namesz = 200);
    UNLESS(file.other.head.n_descsz = 200);
    UNLESS(file.note.head.n_type = NT_GNU_ABI_TAG);
    UNLESS(file.note.head.n_namesz = 3);
    UNLESS(file.note.name[0] = 'g');
    UNLESS(file.note.head.n_descsz = 0);
    UNLESS(file.segments[1].p_filesz += 12; file.note.head.n_descsz = PROGRAM_BUILD_ID);
}

/* Wherever it is cut. */
static void cut_files_have_an_id(void) {
    make();
    for (size_t size = 0; size < offsetof(struct file, note) + sizeof file.note; size += 4)
        CU_ASSERT(!is_linked(size));
}

/* Other contents, another id; the same ones, the same. */
static void contents_count(void) {
    char one[PROGRAM_BUILD_ID], same[PROGRAM_BUILD_ID], other[PROGRAM_BUILD_ID];
    make();
    file.head.e_ident[0] = 0;
    CU_ASSERT_EQUAL(id_of(sizeof file, one), 0);
    CU_ASSERT_EQUAL(id_of(sizeof file, same), 0);
    file.note.value[0]++;
    CU_ASSERT_EQUAL(id_of(sizeof file, other), 0);
    CU_ASSERT_STRING_EQUAL(one, same);
    CU_ASSERT_STRING_NOT_EQUAL(one, other);
}

static void interruptions_do_not_count(void) {
    error = EINTR;
    for (int i = 0; i < 2; i++) {
        make();
        file.head.e_ident[0] ^= (unsigned char)i;
        for (long n = 1; n < 5; n++) {
            left = n;
            CU_ASSERT_EQUAL(is_linked(sizeof file), !i);
        }
        left = 0;
    }
}

static void errors_are_told(void) {
    char id[PROGRAM_BUILD_ID] = "before";
    CU_ASSERT_EQUAL(program_build_id_of("/there/is/no/such/file", id), -ENOENT);
    CU_ASSERT_STRING_EQUAL(id, "");
    make();
    file.head.e_ident[0] = 0;
    error = EIO;
    left = 2;
    CU_ASSERT_EQUAL(id_of(sizeof file, id), -EIO);
    CU_ASSERT_STRING_EQUAL(id, "");
    left = 0;
}

static const struct test tests[] = {
    TEST(linkers_word_counts), TEST(nothing_else_is_taken_for_it), TEST(cut_files_have_an_id),
    TEST(contents_count),      TEST(interruptions_do_not_count),   TEST(errors_are_told),
};

HARNESS(tests)
