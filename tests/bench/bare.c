/*
 * What libyang alone needs for the same text: parse and validate it as one tree.
 *
 *     bare FILE MODULE-DIRS MODULE...     prints seconds to parse, seconds to validate
 */
#include <libyang/libyang.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct ly_ctx *ctx;
    struct lyd_node *tree = NULL;
    if (argc < 4 || ly_ctx_new(argv[2], LY_CTX_DISABLE_SEARCHDIR_CWD, &ctx))
        return 2;
    for (int i = 3; i < argc; i++)
        if (!ly_ctx_load_module(ctx, argv[i], NULL, NULL))
            return 2;
    double start = now();
    if (lyd_parse_data_path(ctx, argv[1], LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_STRICT, 0, &tree))
        return 1;
    double parsed = now();
    if (lyd_validate_all(&tree, ctx, LYD_VALIDATE_NO_STATE | LYD_VALIDATE_PRESENT, NULL))
        return 1;
    printf("%.6f %.6f\n", parsed - start, now() - parsed);
    lyd_free_all(tree);
    ly_ctx_destroy(ctx);
    return 0;
}
