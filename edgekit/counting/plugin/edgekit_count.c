// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * edgekit_count: a plugin of QEMU that counts what an aarch64 or x86-64 program executes between marks.
 *
 * Copyright (C) the edgekit authors
 *
 * This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public
 * License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later
 * version. It is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied
 * warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. GPL-2.txt beside this file is the licence.
 *
 * The plugin interface of QEMU is under the same licence, so this file is; it is compiled on the user's machine and
 * runs in QEMU's process alone. The declarations below are those that it uses, because distributions do not package
 * QEMU's header. EDGEKIT_QEMU_API is the interface's version: 1 (QEMU 6.0 to 8.x), 2 (9.0), 3 (9.1 and later).
 *
 * Arguments: out=FILE, caches=KIB:WAYS+KIB:WAYS+... (first level first, lines of 64 bytes), threads=on.
 *
 * The program marks by getpriority(0, MAGIC << 16 | id), which does nothing else: id 0 begins to watch, every other id
 * but the last ends what is counted since the mark before, and id 0xffff writes the file. Until it watches, the program
 * runs as fast as without a plugin; then QEMU translates everything anew. The file:
 *     mark ID all fma dot int-multiply simd loads stores branches bytes-loaded bytes-stored misses...
 *     block ADDRESS EXECUTIONS all fma dot int-multiply simd loads stores branches
 * with the blocks of the last span between two marks; those of one address are to be added up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef EDGEKIT_QEMU_API
#define EDGEKIT_QEMU_API 1
#endif

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*trans_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*exec_cb)(unsigned, void *);
typedef void (*mem_cb)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *);
typedef void (*simple_cb)(qemu_plugin_id_t);
typedef void (*syscall_cb)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t, uint64_t);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, trans_cb);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, exec_cb, int flags, void *);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, mem_cb, int flags, int rw, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, syscall_cb);
extern void qemu_plugin_reset(qemu_plugin_id_t, simple_cb);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
extern bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
#if EDGEKIT_QEMU_API == 1
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int op, void *, uint64_t);
#endif
#if EDGEKIT_QEMU_API >= 3
extern size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
#else
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
#endif

#define VISIBLE __attribute__((visibility("default")))
enum { ADD_U64 = 0, NO_REGS = 0, READ_WRITE = 3, MAGIC = 0x5EED, WATCH = 0, WRITE = 0xffff };
enum { ARM_GETPRIORITY = 141, X86_GETPRIORITY = 140 };
enum { LEVELS = 3, MOST_MARKS = 256, LINE_BITS = 6 };

VISIBLE int qemu_plugin_version = EDGEKIT_QEMU_API;

struct block {
    uint64_t address, executed, before, after;
    uint32_t of[CLASSES];
    struct block *next;
};
struct level {
    uint64_t *lines; /* sets x ways, each set the last used first; 0 is none */
    uint64_t sets, mask, misses; /* mask: sets - 1 where they are a power of two, else 0 */
    int ways;
};
struct mark {
    int id;
    uint64_t of[CLASSES], loaded, stored, misses[LEVELS];
};

static struct block *blocks;
static struct level cache[LEVELS];
static int levels, marks;
static struct mark mark[MOST_MARKS];
static uint64_t loaded, stored, latest;
static bool threads, x86;
static const char *out;

/* One 64-byte line through the levels: least recently used out, allocated on every miss, no prefetcher. */
static void touch(uint64_t line)
{
    for (int n = 0; n < levels; n++) {
        struct level *l = &cache[n];
        uint64_t *set = l->lines + (l->mask ? line & l->mask : line % l->sets) * l->ways, tag = line + 1;
        int i = 0;
        while (i < l->ways && set[i] != tag) {
            i++;
        }
        bool hit = i < l->ways;
        if (i) {
            memmove(set + 1, set, (hit ? i : l->ways - 1) * sizeof *set);
            set[0] = tag;
        }
        if (hit) {
            return;
        }
        l->misses++;
    }
}

static void on_memory(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *unused)
{
    unsigned bytes = 1u << qemu_plugin_mem_size_shift(info);
    if (qemu_plugin_mem_is_store(info)) {
        stored += bytes;
    } else {
        loaded += bytes;
    }
    uint64_t first = address >> LINE_BITS, last = (address + bytes - 1) >> LINE_BITS;
    if (first != latest) { /* the latest line is the first of its set: nothing would change */
        touch(first);
    }
    if (last != first) {
        touch(last);
    }
    latest = last;
}

static void on_block(unsigned cpu, void *block)
{
    __atomic_fetch_add(&((struct block *)block)->executed, 1, __ATOMIC_RELAXED);
}

static struct kind kind_of(const struct qemu_plugin_insn *instruction)
{
    uint8_t bytes[16] = { 0 };
    size_t size = qemu_plugin_insn_size(instruction);
    size = size < sizeof bytes ? size : sizeof bytes;
#if EDGEKIT_QEMU_API >= 3
    qemu_plugin_insn_data(instruction, bytes, size);
#else
    memcpy(bytes, qemu_plugin_insn_data(instruction), size);
#endif
    if (x86) {
        return x86_kind(bytes, size);
    }
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return arm_kind(word);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    struct block *b = calloc(1, sizeof *b);
    size_t count = qemu_plugin_tb_n_insns(tb);
    b->address = qemu_plugin_tb_vaddr(tb);
    b->of[ALL] = count;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        struct kind kind = kind_of(instruction);
        if (kind.class != ALL) {
            b->of[kind.class]++;
        }
        if (kind.memory != ALL && kind.memory != kind.class) {
            b->of[kind.memory]++; /* x86: it computes with what it loads */
        }
        if (levels && (x86 || kind.memory != ALL)) {
            qemu_plugin_register_vcpu_mem_cb(instruction, on_memory, NO_REGS, READ_WRITE, NULL);
        }
    }
    b->next = blocks;
    blocks = b;
#if EDGEKIT_QEMU_API == 1
    if (!threads) {
        qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &b->executed, 1);
        return;
    }
#endif
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, NO_REGS, b);
}

static void keep(int id)
{
    struct mark *m = &mark[marks++];
    memset(m, 0, sizeof *m);
    m->id = id;
    for (struct block *b = blocks; b; b = b->next) {
        b->before = b->after;
        b->after = b->executed;
        for (int c = 0; c < CLASSES; c++) {
            m->of[c] += b->executed * b->of[c];
        }
    }
    m->loaded = loaded;
    m->stored = stored;
    for (int n = 0; n < levels; n++) {
        m->misses[n] = cache[n].misses;
    }
}

static void write_out(void)
{
    FILE *file = fopen(out, "w");
    if (!file) {
        perror(out);
        exit(70);
    }
    for (int k = 1; k < marks; k++) {
        struct mark *m = &mark[k], *p = m - 1;
        fprintf(file, "mark %d", m->id);
        for (int c = 0; c < CLASSES; c++) {
            fprintf(file, " %llu", (unsigned long long)(m->of[c] - p->of[c]));
        }
        fprintf(file, " %llu %llu", (unsigned long long)(m->loaded - p->loaded),
                (unsigned long long)(m->stored - p->stored));
        for (int n = 0; n < levels; n++) {
            fprintf(file, " %llu", (unsigned long long)(m->misses[n] - p->misses[n]));
        }
        fputc('\n', file);
    }
    for (struct block *b = blocks; b; b = b->next) {
        if (b->after > b->before) {
            fprintf(file, "block %llx %llu", (unsigned long long)b->address,
                    (unsigned long long)(b->after - b->before));
            for (int c = 0; c < CLASSES; c++) {
                fprintf(file, " %u", b->of[c]);
            }
            fputc('\n', file);
        }
    }
    if (fclose(file)) {
        perror(out);
        exit(70);
    }
}

static void on_syscall(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                       uint64_t, uint64_t);

static void watch(qemu_plugin_id_t id)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
}

static void on_syscall(qemu_plugin_id_t id, unsigned cpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                       uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    if (number != (x86 ? X86_GETPRIORITY : ARM_GETPRIORITY) || a2 >> 16 != MAGIC) {
        return;
    }
    int what = a2 & 0xffff;
    if (what == WATCH) {
        qemu_plugin_reset(id, watch);
    } else if (what == WRITE) {
        write_out();
    } else if (marks < MOST_MARKS) {
        keep(what);
    }
}

static bool parse_caches(const char *text)
{
    int kib, ways, used;
    for (levels = 0; levels < LEVELS && sscanf(text, "%d:%d%n", &kib, &ways, &used) == 2; levels++) {
        struct level *l = &cache[levels];
        if (kib < 1 || ways < 1 || kib * 16 % ways) {
            return false;
        }
        l->ways = ways;
        l->sets = kib * 16 / ways;
        l->mask = l->sets & (l->sets - 1) ? 0 : l->sets - 1;
        l->lines = calloc(l->sets * ways, sizeof *l->lines);
        text += used;
        if (*text == '+') {
            text++;
        }
    }
    return *text == 0;
}

VISIBLE int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    const char *const *target_name = info; /* the first member of QEMU's qemu_info_t */
    x86 = !strcmp(*target_name, "x86_64");
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4)) {
            out = argv[i] + 4;
        } else if (!strncmp(argv[i], "caches=", 7)) {
            if (!parse_caches(argv[i] + 7)) {
                fprintf(stderr, "edgekit_count: no caches: %s\n", argv[i]);
                return 1;
            }
        } else if (!strcmp(argv[i], "threads=on") || !strcmp(argv[i], "threads=true")) {
            threads = true;
        }
    }
    if (!out) {
        fprintf(stderr, "edgekit_count: out=FILE is missing\n");
        return 1;
    }
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    return 0;
}
