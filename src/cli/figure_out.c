#include "cli/figure_out.h"

#include "cli/cli.h"
#include "cli/output.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"

enum status figure_out_check(const struct options *o)
{
    return output_check_run(option_string(o, "project"), option_string(o, "name"));
}

enum status figure_out_make(const struct options *o, char **folder)
{
    return path_make_run(option_string(o, "project"), option_string(o, "name"), option_flag(o, "exist-ok"), folder);
}

enum status figure_out_close(enum status rc, char *folder, const char *files)
{
    if (rc == OK && folder)
        print(stdout, "%s: %s", folder, files);
    else if (folder)
        path_remove_empty(folder);
    mem_free(folder);
    return rc;
}

void figure_out_tell_loss(const char *path, const struct weights *w)
{
    log_info("%s: %s", path,
             w->recipe ? "loss and assigner are those that it was trained with"
                       : "it does not say what it was trained with: loss and assigner are the defaults of its network");
}
