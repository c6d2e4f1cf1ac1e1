/* Hides AVX-512, VNNI and what comes with them from libraries that ask the CPU itself; see narrow_cpu.py.
 *
 * An audit library (rtld-audit(7)): the loader shows it each library after mapping and before its constructors run, so
 * that every CPUID instruction named in NARROW_CPU_SITES ("library address" a line, both as objdump prints them) can be
 * made a breakpoint of the same length. The breakpoint's handler executes CPUID and clears the bits.
 */
#define _GNU_SOURCE
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static const unsigned char CPUID[2] = {0x0f, 0xa2}, BREAK[2] = {0xcc, 0x90}; /* int3; nop */

static void die(const char *what, const char *name) {
    fprintf(stderr, "narrow_cpu: %s: %s\n", what, name);
    _exit(125);
}

/* Bit numbers from Intel's manual, volume 2A, CPUID: leaf 7, subleaf 0 (EBX, ECX, EDX) and 1 (EAX, EDX). */
static void narrow(uint32_t leaf, uint32_t subleaf, uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx) {
    if (leaf != 7) return;
    if (subleaf == 0) {
        /* AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL */
        *ebx &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31);
        /* VBMI, VBMI2, GFNI, VNNI, BITALG, VPOPCNTDQ */
        *ecx &= ~(1u << 1 | 1u << 6 | 1u << 8 | 1u << 11 | 1u << 12 | 1u << 14);
        /* 4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8 */
        *edx &= ~(1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);
    } else if (subleaf == 1) {
        *eax &= ~(1u << 4 | 1u << 5 | 1u << 21 | 1u << 23); /* AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA */
        *edx &= ~(1u << 4 | 1u << 8 | 1u << 10 | 1u << 19); /* AVX-VNNI-INT8, AMX-COMPLEX, AVX-VNNI-INT16, AVX10 */
    }
}

static void on_trap(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *next = (const unsigned char *)r[REG_RIP];
    if (next[-1] != BREAK[0] || next[0] != BREAK[1]) die("a breakpoint that is not ours", "SIGTRAP");
    uint32_t leaf = (uint32_t)r[REG_RAX], subleaf = (uint32_t)r[REG_RCX], a, b, c, d;
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(subleaf));
    narrow(leaf, subleaf, &a, &b, &c, &d);
    r[REG_RAX] = a, r[REG_RBX] = b, r[REG_RCX] = c, r[REG_RDX] = d;
}

unsigned int la_version(unsigned int version) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTRAP, &action, NULL)) die("no handler", "SIGTRAP");
    return version < LAV_CURRENT ? version : LAV_CURRENT;
}

static void patch(unsigned char *at, const char *name) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)at & ~(page - 1);
    size_t size = (((uintptr_t)at + 2 + page - 1) & ~(page - 1)) - start;
    if (memcmp(at, CPUID, 2)) die("no CPUID where the list says so; make the list again", name);
    if (mprotect((void *)start, size, PROT_READ | PROT_WRITE | PROT_EXEC)) die("code cannot be changed", name);
    memcpy(at, BREAK, 2);
    if (mprotect((void *)start, size, PROT_READ | PROT_EXEC)) die("code cannot be closed again", name);
}

unsigned int la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie) {
    (void)lmid, (void)cookie;
    const char *slash = strrchr(map->l_name, '/'), *name = slash ? slash + 1 : map->l_name;
    const char *path = getenv("NARROW_CPU_SITES");
    if (!*name || !path) return 0;
    FILE *list = fopen(path, "r");
    if (!list) die("the list of places cannot be read", path);
    char library[512];
    unsigned long address;
    while (fscanf(list, "%511s %lx", library, &address) == 2)
        if (!strcmp(library, name)) patch((unsigned char *)map->l_addr + address, name);
    fclose(list);
    return 0;
}
