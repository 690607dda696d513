#define _GNU_SOURCE   // clock_gettime, sigaction, ioctl
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/// Seconds between two looks of the line: often enough to seem alive, seldom enough to cost nothing.
#define REFRESH 0.1

static volatile sig_atomic_t stop_asked;

static void on_signal(int number) {
    (void)number;
    stop_asked = 1;
    static const char note[] = "\nstopping when what is being played is whole; once more stops at once\n";
    if (isatty(STDERR_FILENO)) {
        ssize_t ignored = write(STDERR_FILENO, note, sizeof note - 1);
        (void)ignored;
    }
}

void terminal_listen(void) {
    // SA_RESETHAND: the second signal finds the default action, the end
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART}, old;
    sigemptyset(&act.sa_mask);
    const int heard[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        // who started us may have wished the signal ignored, as nohup does
        if (sigaction(heard[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(heard[i], &act, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    // a limit on the size of files makes a write fail, like a full disk, and is told like one
    signal(SIGXFSZ, SIG_IGN);
}

// the error number of the write that failed may be long gone; a pipe goes on saying that nobody reads it
bool terminal_reader_left(void) {
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
}

static bool stop(void *context) {
    (void)context;
    return stop_asked != 0;
}

// the line: what, since when, when it was last drawn, how much is done and was when it began
static struct {
    char   what[64];
    double since, drawn, done, first;
    bool   shown;
} line;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
    return 80;
}

static int put_seconds(char *out, size_t room, double seconds) {
    if (seconds < 100) return snprintf(out, room, "%.0f s", seconds);
    if (seconds < 6000) return snprintf(out, room, "%.0f min", seconds / 60);
    return snprintf(out, room, "%.1f h", seconds / 3600);
}

// Whether it is time for another word: a new piece of work at once, the same one a few times a second. What was done before
// the first word of a piece is no work of this time: a run that goes on from the store begins in the middle.
static bool is_time(const char *what, double done, double t) {
    bool is_new = strncmp(line.what, what, sizeof line.what - 1) != 0 || done < line.done;
    if (is_new) {
        snprintf(line.what, sizeof line.what, "%s", what);
        line.since = t;
        line.first = done;
        line.drawn = 0;
    }
    line.done = done;
    if (t - line.drawn < REFRESH) return false;
    line.drawn = t;
    return true;
}

// seconds to the end at the pace so far; below 0: nobody can say yet. A forecast from less than half a second is noise
static double time_left(double done, double total, double t) {
    double spent = t - line.since, part = done - line.first;
    return total > 0 && done < total && part > 0 && spent > 0.5 ? spent * (total - done) / part : -1;
}

static void tell(void *context, const char *what, double done, double total, const char *note) {
    (void)context;
    double t = now();
    if (!is_time(what, done, t)) return;

    char text[256];
    int n = snprintf(text, sizeof text, "%s", line.what);
    double part = done < total ? done / total : 1;
    if (total > 0) n += snprintf(text + n, sizeof text - (size_t)n, "  %3.0f %%", 100 * part);
    if (note && note[0] && n < 160) n += snprintf(text + n, sizeof text - (size_t)n, "  %.60s", note);
    double left = time_left(done, total, t);
    if (left >= 0) {
        n += snprintf(text + n, sizeof text - (size_t)n, "  ");
        n += put_seconds(text + n, sizeof text - (size_t)n, left);
        snprintf(text + n, sizeof text - (size_t)n, " left");
    }

    // never wider than the terminal, or the line would leave copies of itself behind
    int width = columns() - 1;
    fprintf(stderr, "\r%-*.*s", width, width, text);
    fflush(stderr);
    line.shown = true;
}

// a JSON string of what may be anyone's words; bytes beyond ASCII are UTF-8 already
static void put_string(const char *s) {
    fputc('"', stderr);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fprintf(stderr, "\\%c", *s);
        else if ((unsigned char)*s < 0x20) fprintf(stderr, "\\u%04x", (unsigned)*s);
        else fputc(*s, stderr);
    }
    fputc('"', stderr);
}

static void put_number(const char *key, double x, bool is_known) {
    if (is_known && x - x == 0) fprintf(stderr, ", \"%s\": %.9g", key, x);
    else fprintf(stderr, ", \"%s\": null", key);
}

// one object a line; what nobody knows yet is null
static void tell_json(void *context, const char *what, double done, double total, const char *note) {
    (void)context;
    double t = now();
    if (!is_time(what, done, t)) return;
    double spent = t - line.since, left = time_left(done, total, t);
    flockfile(stderr);
    fputs("{\"what\": ", stderr);
    put_string(what);
    put_number("done", done, true);
    put_number("total", total, total > 0);
    put_number("seconds", spent, true);
    put_number("per_second", (done - line.first) / spent, spent > 0);
    put_number("seconds_left", left, left >= 0);
    fputs(", \"note\": ", stderr);
    put_string(note ? note : "");
    fputs("}\n", stderr);
    fflush(stderr);
    funlockfile(stderr);
}

void terminal_clear(void) {
    if (!line.shown) return;
    fprintf(stderr, "\r%*s\r", columns() - 1, "");
    fflush(stderr);
    line.shown = false;
}

DurProgress terminal_progress(ProgressKind kind) {
    bool shows = kind == PROGRESS_LINE && isatty(STDERR_FILENO);
    return (DurProgress){.tell = kind == PROGRESS_JSON ? tell_json : shows ? tell : NULL, .stop = stop};
}
