/// What the tests of `study` share: scenarios written to a folder of their own, commands, numbers out of their JSON.
#ifndef STUDY_CASE_H
#define STUDY_CASE_H

#include "../check.h"

#include "base/file.h"
#include "duress.h"

#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/duress-study-XXXXXX";

static const char *write_scenario(const char *name, const char *text) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    DurError why = {0};
    if (file_write(path, text, strlen(text), &why) != DUR_OK) fail_msg("%s", why.text);
    return path;
}

static int make_folder(void **state) { return mkdtemp(folder) ? 0 : -1; }
static int remove_folder(void **state) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

// the number behind the last of several keys, each looked for after the one before: "values", "f1"; "=enters" is an
// item of that name in a list
static double number(const char *json, const char *const *key, int n_key) {
    char quoted[64];
    for (int k = 0; k < n_key; k++) {
        if (key[k][0] == '=') snprintf(quoted, sizeof quoted, "\"name\": \"%s\"", key[k] + 1);
        else                  snprintf(quoted, sizeof quoted, "\"%s\": ", key[k]);
        json = strstr(json, quoted);
        if (!json) fail_msg("no %s in the answer", quoted);
        json += strlen(quoted);
    }
    return strtod(json, NULL);
}
#define KEYS(...) ((const char *const[]){__VA_ARGS__})
#define NUMBER(result, ...) number(dur_result_json(result), KEYS(__VA_ARGS__), (int)DUR_COUNT(KEYS(__VA_ARGS__)))

typedef DurStatus Call(DurScenario *, const DurOptions *, DurResult **, char error[1024]);

// a command that must end with a status; its result
static DurResult *ask(Call *call, DurScenario *s, const DurOptions *options, DurStatus expected) {
    DurResult *result = NULL;
    char error[1024] = "";
    DurStatus status = call(s, options, &result, error);
    if (status != expected) fail_msg("status %d (%s): %s", status, dur_status_text(status), error);
    CHECK(status == DUR_OK || error[0] || dur_result_faults(result)[0]);
    return result;
}

static DurScenario *open_scenario(const char *name, const char *text, const DurOptions *options) {
    DurScenario *s = NULL;
    char error[1024] = "";
    if (dur_open(&s, write_scenario(name, text), options, error) != DUR_OK) fail_msg("%s", error);
    if (dur_faulty(s)) {
        DurResult *r = NULL;
        dur_check(s, NULL, &r, error);
        fail_msg("%s", dur_result_faults(r));
    }
    return s;
}

#endif
