#define _GNU_SOURCE   // clock_gettime, sigaction, ioctl
#include "terminal.h"

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
    static const char note[] = "\nstopping; once more stops at once\n";
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
}

static bool stop(void *context) {
    (void)context;
    return stop_asked != 0;
}

// the line: what, since when, and when it was last drawn
static struct {
    char   what[64];
    double since, drawn;
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

static void tell(void *context, const char *what, double done, double total, const char *note) {
    (void)context;
    double t = now();
    if (strncmp(line.what, what, sizeof line.what - 1) != 0) {
        snprintf(line.what, sizeof line.what, "%s", what);
        line.since = t;
        line.drawn = 0;
    }
    if (t - line.drawn < REFRESH) return;
    line.drawn = t;

    char text[256];
    int n = snprintf(text, sizeof text, "%s", line.what);
    double part = done < total ? done / total : 1;
    if (total > 0) n += snprintf(text + n, sizeof text - (size_t)n, "  %3.0f %%", 100 * part);
    // a forecast from less than half a second is noise
    double spent = t - line.since;
    if (total > 0 && done > 0 && done < total && spent > 0.5) {
        n += snprintf(text + n, sizeof text - (size_t)n, "  ");
        n += put_seconds(text + n, sizeof text - (size_t)n, spent * (total - done) / done);
        n += snprintf(text + n, sizeof text - (size_t)n, " left");
    }
    if (note && note[0] && n < 200) snprintf(text + n, sizeof text - (size_t)n, "  %s", note);

    // never wider than the terminal, or the line would leave copies of itself behind
    int width = columns() - 1;
    fprintf(stderr, "\r%-*.*s", width, width, text);
    fflush(stderr);
    line.shown = true;
}

void terminal_clear(void) {
    if (!line.shown) return;
    fprintf(stderr, "\r%*s\r", columns() - 1, "");
    fflush(stderr);
    line.shown = false;
}

DurProgress terminal_progress(bool quiet) {
    bool shows = !quiet && isatty(STDERR_FILENO);
    return (DurProgress){.tell = shows ? tell : NULL, .stop = stop};
}
