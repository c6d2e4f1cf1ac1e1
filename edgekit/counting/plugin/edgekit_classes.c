// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * edgekit_classes: the class of an instruction, by its encoding; the first part of edgekit_count.c, compiled with it.
 *
 * Copyright (C) the edgekit authors
 *
 * This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public
 * License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later
 * version. It is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied
 * warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. GPL-2.txt beside this file is the licence.
 *
 * aarch64 after the Arm Architecture Reference Manual, C4.1; x86-64 after Intel's Software Developer's Manual,
 * volume 2, chapter 2 and appendix A.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ALL, FMA, DOT, MULTIPLY, SIMD, LOAD, STORE, BRANCH, CLASSES };

/* A class, and what the instruction does with memory besides: LOAD, STORE or ALL, which is nothing. */
struct kind {
    int class, memory;
};

/* Whether an instruction of the loads and stores stores; an atomic counts as a load. */
static bool arm_stores(uint32_t x)
{
    if ((x & 0xBE000000) == 0x0C000000 || (x & 0x3F000000) == 0x08000000 || (x & 0x3A000000) == 0x28000000) {
        return !(x >> 22 & 1); /* structures, exclusives, pairs: bit L */
    }
    if ((x & 0x3B000000) == 0x18000000) {
        return false; /* literals */
    }
    uint32_t opc = x >> 22 & 3, vector = x >> 26 & 1, size = x >> 30;
    if ((x & 0x3B200C00) == 0x38200000) {
        return false; /* atomics */
    }
    return opc == 0 || (opc == 2 && vector && size == 0);
}

static int arm_class(uint32_t x)
{
    uint32_t group = x >> 25 & 15, opcode;
    if ((group & 5) == 4) {
        return arm_stores(x) ? STORE : LOAD;
    }
    if ((group & 14) == 10) {
        return BRANCH;
    }
    if ((group & 7) != 7) {
        return ALL;
    }
    if ((x & 0x9F200400) == 0x0E200400) { /* three the same */
        opcode = x >> 11 & 31;
        return opcode == 25 ? FMA : opcode == 18 || opcode == 19 ? MULTIPLY : SIMD;
    }
    if ((x & 0x9F60C400) == 0x0E400400) { /* three the same, float16 */
        return (x >> 11 & 7) == 1 ? FMA : SIMD;
    }
    if ((x & 0x9F20FC00) == 0x0E009400) {
        return DOT;
    }
    if ((x & 0x9F000400) == 0x0F000000) { /* by element */
        opcode = x >> 12 & 15;
        bool multiplies = opcode % 2 == 0 && opcode <= 10;
        return opcode == 1 || opcode == 5 ? FMA : opcode == 14 ? DOT : multiplies ? MULTIPLY : SIMD;
    }
    if ((x & 0x9F200C00) == 0x0E200000) { /* three different: the widening ones */
        opcode = x >> 12 & 15;
        return opcode == 8 || opcode == 10 || opcode == 12 ? MULTIPLY : SIMD;
    }
    return SIMD;
}

static struct kind arm_kind(uint32_t x)
{
    int class = arm_class(x);
    struct kind k = { class, class == LOAD || class == STORE ? class : ALL };
    return k;
}

/* One-byte opcodes without a ModRM byte that touch memory: the stack, the strings, absolute addresses. */
static int x86_implicit(uint8_t op)
{
    if ((op & 0xF8) == 0x50 || op == 0x68 || op == 0x6A || op == 0xA2 || op == 0xA3 || op == 0xAA || op == 0xAB) {
        return STORE;
    }
    bool strings = op >= 0xA4 && op <= 0xAF && op != 0xA8 && op != 0xA9;
    return (op & 0xF8) == 0x58 || op == 0xA0 || op == 0xA1 || strings || op == 0xC9 ? LOAD : ALL;
}

static struct kind x86_one_byte(uint8_t op, uint8_t modrm)
{
    struct kind k = { ALL, ALL };
    bool memory = modrm >> 6 != 3;
    int reg = modrm >> 3 & 7;
    if ((op & 0xF0) == 0x70 || (op >= 0xE0 && op <= 0xE3) || op == 0xE8 || op == 0xE9 || op == 0xEB || op == 0xC2 ||
        op == 0xC3 || (op == 0xFF && reg >= 2 && reg <= 5)) {
        k.class = BRANCH;
        return k;
    }
    bool arithmetic = op < 0x40 && (op & 7) < 4, shifts = op == 0xC0 || op == 0xC1 || (op >= 0xD0 && op <= 0xD3);
    bool has_modrm = arithmetic || shifts || op == 0x63 || op == 0x69 || op == 0x6B || (op >= 0x80 && op <= 0x8F) ||
                     op == 0xC6 || op == 0xC7 || (op >= 0xD8 && op <= 0xDF) || op == 0xF6 || op == 0xF7 || op >= 0xFE;
    if (!has_modrm) {
        k.memory = x86_implicit(op);
    } else if (memory && op != 0x8D) { /* not LEA */
        k.memory = op == 0x88 || op == 0x89 || op == 0xC6 || op == 0xC7 ? STORE : LOAD;
    }
    if (k.memory != ALL) {
        k.class = k.memory;
    }
    return k;
}

/* The maps 0F, 0F 38 and 0F 3A, with or without VEX; prefix is 0x66, 0xF3, 0xF2 or 0. */
static struct kind x86_mapped(int map, uint8_t op, uint8_t modrm, int prefix, bool vex)
{
    struct kind k = { ALL, ALL };
    bool memory = modrm >> 6 != 3;
    if (map == 1 && !vex && (op & 0xF0) == 0x80) {
        k.class = BRANCH;
        return k;
    }
    bool low = op < 0x10 || (op >= 0x18 && op <= 0x27) || (op >= 0x40 && op <= 0x4F) || op == 0x77;
    bool high = op >= 0x90 && op < 0xD0 && (op < 0xC2 || op > 0xC6 || op == 0xC3);
    if ((map == 1 && (low || high)) || (map == 2 && op >= 0xF0) || (map == 3 && op == 0xF0)) { /* CMOVcc, SETcc, MOVZX, BMI, ... */
        bool none = op == 0x05 || op == 0x0B || (op >= 0x18 && op <= 0x1F) || op == 0x31 || op == 0x77 || op == 0xA2 ||
                    (op >= 0xC8 && op <= 0xCF);
        if (memory && !(map == 1 && none)) {
            k.memory = map == 1 && ((op >= 0x90 && op <= 0x9F) || op == 0xC3) ? STORE : LOAD;
            k.class = k.memory;
        }
        return k;
    }
    bool fused = vex && map == 2 && (op & 0x0F) >= 6 && (op >> 4 == 9 || op >> 4 == 0xA || op >> 4 == 0xB);
    bool multiplies = (map == 1 && (op == 0xD5 || op == 0xE4 || op == 0xE5 || op == 0xF4 || op == 0xF5)) ||
                      (map == 2 && (op == 0x04 || op == 0x0B || op == 0x28 || op == 0x40));
    k.class = fused ? FMA : vex && map == 2 && op >= 0x50 && op <= 0x53 ? DOT : multiplies ? MULTIPLY : SIMD;
    if (!memory) {
        return k;
    }
    bool stores = (map == 1 && (op == 0x11 || op == 0x13 || op == 0x17 || op == 0x29 || op == 0x2B || op == 0x7F ||
                                op == 0xD6 || op == 0xE7 || (op == 0x7E && prefix != 0xF3))) ||
                  (map == 2 && (op == 0x2E || op == 0x2F || op == 0x8E)) ||
                  (map == 3 && ((op >= 0x14 && op <= 0x17) || op == 0x19 || op == 0x1D || op == 0x39));
    bool moves = stores || (map == 1 && (op == 0x10 || op == 0x12 || op == 0x16 || op == 0x28 || op == 0x6E ||
                                         op == 0x6F || op == 0x7E || op == 0xF0)) ||
                 (map == 2 && ((op >= 0x18 && op <= 0x1A) || op == 0x2A || op == 0x2C || op == 0x2D || op == 0x58 ||
                               op == 0x59 || op == 0x5A || op == 0x78 || op == 0x79 || op == 0x8C));
    k.memory = stores ? STORE : LOAD;
    if (moves) {
        k.class = k.memory;
    }
    return k;
}

static struct kind x86_kind(const uint8_t *x, size_t size)
{
    uint8_t padded[16] = { 0 };
    for (size_t n = 0; n < size && n < sizeof padded; n++) {
        padded[n] = x[n];
    }
    const uint8_t *p = padded;
    int prefix = 0;
    static const int prefixes[] = { 0, 0x66, 0xF3, 0xF2 };
    for (;; p++) {
        if (*p == 0x66 || *p == 0xF2 || *p == 0xF3) {
            prefix = *p;
        } else if (*p != 0x26 && *p != 0x2E && *p != 0x36 && *p != 0x3E && (*p < 0x64 || *p > 0x67) && *p != 0xF0) {
            break;
        }
        if (p - padded >= 14) {
            break; /* no instruction is longer */
        }
    }
    if (*p == 0xC5) {
        return x86_mapped(1, p[2], p[3], prefixes[p[1] & 3], true);
    }
    if (*p == 0xC4) {
        return x86_mapped(p[1] & 31, p[3], p[4], prefixes[p[2] & 3], true);
    }
    if ((*p & 0xF0) == 0x40) {
        p++; /* REX */
    }
    if (*p != 0x0F) {
        return x86_one_byte(p[0], p[1]);
    }
    if (p[1] == 0x38 || p[1] == 0x3A) {
        return x86_mapped(p[1] == 0x38 ? 2 : 3, p[2], p[3], prefix, false);
    }
    return x86_mapped(1, p[1], p[2], prefix, false);
}
