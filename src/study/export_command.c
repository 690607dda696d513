/// A run as files: a folder that grows under another name beside its place and is moved there when it is whole.
#define _GNU_SOURCE   // mkdtemp
#include "study/store_command.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static DurStatus put_bytes_at(const char *folder, const char *name, const char *ending, const Text *data, DurError *error) {
    if (data->failed) return status_fail(error, DUR_MEMORY, "out of memory");
    Text path = {0};
    text_printf(&path, "%s/%s%s", folder, name, ending);
    DurStatus status = path.failed ? status_fail(error, DUR_MEMORY, "out of memory")
                                   : file_write(text_view(&path), text_view(data), data->length, error);
    text_free(&path);
    return status;
}

static DurStatus write_frame(const char *folder, const Frame *frame, const char *format, DurError *error) {
    Text data = {0};
    if (strcmp(format, "npy") == 0) {
        npy_frame(&data, frame);
        DurStatus status = put_bytes_at(folder, frame->name, ".npy", &data, error);
        text_free(&data);
        return status;
    }
    text_printf(&data, "%s/%s.csv", folder, frame->name);
    DurStatus status = data.failed ? status_fail(error, DUR_MEMORY, "out of memory")
                                   : frame_write_csv(frame, text_view(&data), error);
    text_free(&data);
    return status;
}

// the name of a file that was read, without its folder; files of one name in several folders are numbered
static void file_name(const KeptRun *kept, int32_t i, Text *out) {
    const char *slash = strrchr(kept->file[i].path, '/'), *name = slash ? slash + 1 : kept->file[i].path;
    bool is_taken = false;
    for (int32_t k = 0; k < i; k++) {
        const char *other = strrchr(kept->file[k].path, '/');
        is_taken = is_taken || strcmp(other ? other + 1 : kept->file[k].path, name) == 0;
    }
    text_clear(out);
    if (is_taken) text_printf(out, "%d-", i);
    text_append(out, name);
}

static DurStatus write_all(const char *folder, Store *store, const KeptRun *kept, const char *format, DurError *error) {
    Text data = {0}, name = {0};
    DurStatus status = DUR_OK;
    if (strcmp(format, "json") == 0) {
        Json j = json_make(&data);
        kept_render(&j, kept);
        text_char(&data, '\n');
        status = put_bytes_at(folder, "run", ".json", &data, error);
    } else {
        for (int32_t i = 0; i < kept->n_frame && status == DUR_OK; i++)
            if (kept->frame[i]->n_column) status = write_frame(folder, kept->frame[i], format, error);
    }
    for (int32_t i = 0; i < kept->n_file && status == DUR_OK; i++) {
        text_clear(&data);
        text_append_n(&data, kept->file[i].data, kept->file[i].length);
        file_name(kept, i, &name);
        status = put_bytes_at(folder, text_view(&name), "", &data, error);
    }
    text_clear(&data);
    if (status == DUR_OK && kept->run.text[0]) {
        text_append(&data, kept->run.text);
        status = put_bytes_at(folder, "answer", ".txt", &data, error);
    }
    if (status == DUR_OK) status = store_page(store, kept->run.id, &data, error);
    if (status == DUR_OK && data.length) status = put_bytes_at(folder, "page", ".html", &data, error);
    text_free(&name);
    text_free(&data);
    return status;
}

static void remove_folder(const char *folder) {
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) unlinkat(dirfd(d), e->d_name, 0);
    if (d) closedir(d);
    rmdir(folder);
}

static DurStatus no_folder(const char *folder, int why, DurError *error) {
    return status_fail(error, DUR_IO, "%s: the folder cannot be made: %s", folder, strerror(why));
}

static DurStatus write_folder(const char *folder, Store *store, const KeptRun *kept, const char *format, DurError *error) {
    struct stat info;
    if (stat(folder, &info) == 0) return status_fail(error, DUR_IO, "%s: is there already; --to names another folder", folder);
    Text growing = {0};
    text_append(&growing, folder);
    while (growing.length > 1 && growing.data[growing.length - 1] == '/') growing.data[--growing.length] = '\0';
    text_append(&growing, ".XXXXXX");
    if (growing.failed) {
        text_free(&growing);
        return status_fail(error, DUR_MEMORY, "out of memory");
    }
    if (!mkdtemp(growing.data)) {
        int why = errno;
        text_free(&growing);
        return no_folder(folder, why, error);
    }
    DurStatus status = write_all(growing.data, store, kept, format, error);
    // mkdtemp makes private folders; this one is as public as the umask lets any other be
    mode_t mask = umask(0);
    umask(mask);
    if (status == DUR_OK && (chmod(growing.data, 0777 & ~mask) || rename(growing.data, folder)))
        status = no_folder(folder, errno, error);
    if (status != DUR_OK) remove_folder(growing.data);
    text_free(&growing);
    return status;
}

static DurStatus export(const char *path, int64_t id, const char *format, const char *folder, DurResult *result,
                        DurError *error) {
    static const char *const known[] = {"csv", "npy", "json"};
    bool is_known = false;
    for (size_t i = 0; i < DUR_COUNT(known); i++) is_known = is_known || strcmp(format, known[i]) == 0;
    if (!is_known) {
        const char *near = text_nearest(format, known, (int)DUR_COUNT(known));
        if (near) return status_fail(error, DUR_INPUT, "there is no format `%s`; did you mean `%s`?", format, near);
        return status_fail(error, DUR_INPUT, "there is no format `%s`; there are csv, npy, json", format);
    }
    Store *store;
    KeptRun kept;
    TRY(store_open(&store, path, STORE_READ, error));
    DurStatus status = kept_read(&kept, store, id, error);
    if (status == DUR_OK && kept.run.state == STORE_PART)
        status = status_fail(error, DUR_INPUT, "run %lld is not finished: there is nothing to export yet", (long long)id);
    if (status == DUR_OK) status = write_folder(folder, store, &kept, format, error);
    kept_free(&kept);
    store_close(store);
    if (status != DUR_OK) return status;
    text_printf(&result->text, "%s\n", folder);
    Json j = json_make(&result->json);
    json_object(&j);
    json_pair_int(&j, "run", id);
    json_pair_string(&j, "format", format);
    json_pair_string(&j, "folder", folder);
    json_end_object(&j);
    return DUR_OK;
}

DurStatus dur_export(const char *path, int64_t id, const char *format, const char *folder, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = result_make();
    DurStatus status = result ? export(path, id, format, folder, result, &why) : status_fail(&why, DUR_MEMORY, "out of memory");
    return result_finish(&result, out, status, &why, error);
}
