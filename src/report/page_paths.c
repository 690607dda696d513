#include "report/html.h"
#include "report/page.h"

#include "report/calendar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Most points of a line: more than a screen's pixels across a chart are not seen, and cost bytes.
#define POINTS_MAX 181
/// Most rows of the table that stands in for a chart.
#define TABLE_MAX 13

static const char *const QUANTILE[5] = {"q05", "q25", "q50", "q75", "q95"};

// ---- rows sorted into stocks and policies -------------------------------------------------------------------------

// names of a column in order: those of `first` (may be NULL), then others as they come
typedef struct Names { int n, most; const char **name; } Names;

static int find_name(const Names *names, const char *name) {
    for (int i = 0; i < names->n; i++)
        if (strcmp(names->name[i], name) == 0) return i;
    return -1;
}

static bool gather_names(Page *page, Names *names, const Frame *first, const Frame *frame, const char *column) {
    enum { UNDECLARED_MAX = 256 };
    *names = (Names){.most = (int)page_rows(first) + UNDECLARED_MAX};
    names->name = page_alloc(page, (size_t)names->most, sizeof *names->name);
    if (!names->name) return false;
    for (int64_t i = 0; i < page_rows(first); i++) names->name[names->n++] = frame_text(first, "name", i);
    const char *last = NULL;
    for (int64_t i = 0; i < page_rows(frame); i++) {
        const char *name = frame_text(frame, column, i);
        if (last && strcmp(last, name) == 0) continue;
        last = name;
        if (find_name(names, name) < 0 && names->n < names->most) names->name[names->n++] = name;
    }
    return true;
}

// for each row its (name, policy) as one number, -1 for rows of neither
static int32_t *gather_keys(Page *page, const Names *names, const Frame *frame, const char *column) {
    int64_t n = page_rows(frame);
    int32_t *key = page_alloc(page, (size_t)n, sizeof *key);
    if (!key) return NULL;
    for (int64_t i = 0; i < n; i++) {
        const char *name = frame_text(frame, column, i), *policy = frame_text(frame, "policy", i);
        // rows come in stretches of one name and one policy
        if (i > 0 && strcmp(name, frame_text(frame, column, i - 1)) == 0
            && strcmp(policy, frame_text(frame, "policy", i - 1)) == 0) {
            key[i] = key[i - 1];
            continue;
        }
        int v = find_name(names, name), p = page_find_policy(page, policy);
        key[i] = v < 0 || p < 0 ? -1 : v * page->n_policy + p;
    }
    return key;
}

// which of n points are drawn: all, or POINTS_MAX evenly spread with both ends
static int thinned(int n, int most, int k) { return n <= most ? k : (int)((int64_t)k * (n - 1) / (most - 1)); }

// the day that a row names, or the one that its time would have
static double day_of(const Page *page, const Frame *frame, int64_t row) {
    int64_t day;
    if (calendar_read(frame_text(frame, "date", row), &day)) return (double)day;
    return floor(page->time.day + frame_number(frame, "time", row) * page->time.day_per_time + 0.5);
}

// ---- stocks -------------------------------------------------------------------------------------------------------

static bool gather_fan(Page *page, ChartFan *fan, const int32_t *key, int32_t wanted) {
    const Frame *series = page->report->series;
    int n = 0;
    for (int64_t i = 0; i < page_rows(series); i++) n += key[i] == wanted;
    int policy = wanted % page->n_policy;
    *fan = (ChartFan){.label = page_policy_label(page->policy[policy]), .colour = policy};
    if (n == 0) return true;

    int64_t *row = page_alloc(page, (size_t)n, sizeof *row);
    fan->n = n < POINTS_MAX ? n : POINTS_MAX;
    double *time = page_alloc(page, 8 * (size_t)fan->n, sizeof *time);
    if (!row || !time) return false;
    n = 0;
    for (int64_t i = 0; i < page_rows(series); i++)
        if (key[i] == wanted) row[n++] = i;

    double *mean = time + fan->n, *day = time + 7 * (size_t)fan->n;
    bool has_mean = frame_column(series, "mean");
    for (int k = 0; k < fan->n; k++) {
        int64_t i = row[thinned(n, POINTS_MAX, k)];
        time[k] = frame_number(series, "time", i);
        day[k] = day_of(page, series, i);
        for (int q = 0; q < 5; q++)
            time[(size_t)(2 + q) * (size_t)fan->n + (size_t)k] = frame_number(series, QUANTILE[q], i);
        mean[k] = has_mean ? frame_number(series, "mean", i) : time[4 * (size_t)fan->n + (size_t)k];
    }
    fan->time = time;
    fan->mean = mean;
    fan->day = page->time.has_date ? day : NULL;
    for (int q = 0; q < 5; q++) fan->quantile[q] = time + (size_t)(2 + q) * (size_t)fan->n;
    return true;
}

// a time for a person: its date, or (`day` NULL) the number with its unit
static void when(Page *page, Text *out, double time, const double *day, bool is_plain) {
    if (day) {
        int64_t year;
        int month, date;
        calendar_date((int64_t)*day, &year, &month, &date);
        text_printf(out, "%d\xC2\xA0%.3s\xC2\xA0%lld", date, calendar_month(month), (long long)year);
        return;
    }
    html_number_plain(out, time, 4);
    if (!page->report->unit || !page->report->unit[0]) return;
    text_append(out, "\xC2\xA0");
    if (is_plain) text_append(out, page->report->unit);
    else          html_escape(out, page->report->unit);
    if (time != 1) text_char(out, 's');
}

// the sentence below a chart; the script rewrites it for the point under the pointer
static void say_fan(Page *page, Text *out, const ChartFan *fan, int k, bool is_plain) {
    when(page, out, fan->time[k], fan->day ? &fan->day[k] : NULL, is_plain);
    text_append(out, ": median ");
    html_number_plain(out, fan->quantile[2][k], 3);
    text_append(out, ", 90\xE2\x80\xAF% within ");
    html_number_plain(out, fan->quantile[0][k], 3);
    text_append(out, " to ");
    html_number_plain(out, fan->quantile[4][k], 3);
}

static void swatch(Text *out, int colour) {
    text_printf(out, "<span class=\"swatch p%d%s\"></span>", colour % CHART_COLOURS, colour >= CHART_COLOURS ? " striped" : "");
}

static void caption(Text *out, int colour, const char *label) {
    text_append(out, "<figcaption>");
    swatch(out, colour);
    html_escape(out, label);
    text_append(out, "</figcaption>\n");
}

static void fan_panel(Page *page, const char *stock, const ChartFan *fan, const ChartFan *reference, ChartBox box) {
    Text *out = page->out, title = {0}, description = {0};
    text_printf(&title, "%s under %s", stock, fan->label);
    say_fan(page, &description, fan, 0, true);
    text_append(&description, "; at the end, ");
    say_fan(page, &description, fan, fan->n - 1, true);
    text_char(&description, '.');

    char id[16];
    box.id = page_id(page, id);
    box.title = text_view(&title);
    box.description = text_view(&description);
    text_printf(out, "<figure data-policy=\"%d\">\n", fan->colour);
    if (page->n_policy > 1) caption(out, fan->colour, fan->label);
    chart_fan(out, &box, fan, reference);
    text_append(out, "<p class=\"say\">");
    say_fan(page, out, fan, fan->n - 1, false);
    text_append(out, "</p>\n</figure>\n");
    if (title.failed || description.failed) out->failed = true;
    text_free(&title);
    text_free(&description);
}

static void means_panel(Page *page, const char *stock, int n_fan, const ChartFan *fan, ChartBox box) {
    Text *out = page->out, title = {0}, description = {0};
    text_printf(&title, "Mean %s, policies compared", stock);
    text_append(&description, "Mean at the end: ");
    for (int f = 0; f < n_fan; f++) {
        if (f) text_append(&description, ", ");
        text_append(&description, fan[f].label);
        text_char(&description, ' ');
        html_number_plain(&description, fan[f].mean[fan[f].n - 1], 3);
    }
    text_char(&description, '.');
    char id[16];
    box.id = page_id(page, id);
    box.title = text_view(&title);
    box.description = text_view(&description);
    text_append(out, "<figure class=\"wide\">\n<figcaption>means compared</figcaption>\n");
    chart_means(out, &box, n_fan, fan);
    text_append(out, "<p class=\"say\">");
    html_escape(out, text_view(&description));
    text_append(out, "</p>\n</figure>\n");
    if (title.failed || description.failed) out->failed = true;
    text_free(&title);
    text_free(&description);
}

static void fan_table(Page *page, const char *stock, int n_fan, const ChartFan *fan) {
    Text *out = page->out;
    const char **heading = page_alloc(page, (size_t)n_fan + 1, sizeof *heading);
    if (!heading) return;
    heading[0] = page->time.has_date ? "date" : "time";
    int longest = 0;
    for (int f = 0; f < n_fan; f++) {
        heading[f + 1] = fan[f].label;
        if (fan[f].n > fan[longest].n) longest = f;
    }
    text_append(out, "<details><summary>Numbers<span class=\"hidden\"> of ");
    html_escape(out, stock);
    text_append(out, "</span></summary>\n");
    HtmlTable t = html_table(out, "numbers", "Median, and the range that holds nine runs in ten", heading, n_fan + 1);
    int n_row = fan[longest].n < TABLE_MAX ? fan[longest].n : TABLE_MAX;
    for (int k = 0; k < n_row; k++) {
        int i = thinned(fan[longest].n, TABLE_MAX, k);
        html_row(&t);
        html_cell(&t, "name");
        when(page, out, fan[longest].time[i], fan[longest].day ? &fan[longest].day[i] : NULL, false);
        html_end_cell(&t);
        for (int f = 0; f < n_fan; f++) {
            // ensembles of one run share their times; one that has fewer has nothing to say beyond its end
            if (i >= fan[f].n || fan[f].time[i] != fan[longest].time[i]) {
                html_cell_text(&t, "", NULL);
                continue;
            }
            html_cell(&t, "number");
            html_number_plain(out, fan[f].quantile[2][i], 3);
            text_append(out, " <span class=\"quiet\">(");
            html_number_plain(out, fan[f].quantile[0][i], 3);
            text_append(out, "\xE2\x80\x93");
            html_number_plain(out, fan[f].quantile[4][i], 3);
            text_append(out, ")</span>");
            html_end_cell(&t);
        }
        html_end_row(&t);
    }
    html_end_table(&t);
    text_append(out, "</details>\n");
}

static void heading(Page *page, const Frame *frame, const char *name, bool has_unit) {
    Text *out = page->out;
    int64_t row = page_find_row(frame, "name", name);
    text_append(out, "<h3>");
    html_escape(out, name);
    text_append(out, "</h3>\n");
    if (row < 0 || (page_is_empty(frame, "text", row) && (!has_unit || page_is_empty(frame, "unit", row)))) return;
    text_append(out, "<p class=\"about\">");
    html_escape(out, frame_text(frame, "text", row));
    if (has_unit && !page_is_empty(frame, "unit", row)) {
        text_append(out, page_is_empty(frame, "text", row) ? "in " : " (");
        html_escape(out, frame_text(frame, "unit", row));
        if (!page_is_empty(frame, "text", row)) text_char(out, ')');
    }
    text_append(out, "</p>\n");
}

// panels are laid out by their number: see .panels in the style sheet
static void open_panels(Text *out, const char *name, int n) {
    text_printf(out, "<div class=\"panels n%d\" tabindex=\"0\" role=\"group\" aria-label=\"Charts of ",
                n < 4 ? n : 4);
    html_escape(out, name);
    text_append(out, "\">\n");
}

static void stock_paths(Page *page, const Names *names, const int32_t *key, int v) {
    Text *out = page->out;
    ArenaMark mark = arena_mark(page->arena);
    const Report *r = page->report;
    ChartFan *fan = page_alloc(page, (size_t)page->n_policy, sizeof *fan);
    int n_fan = 0;
    for (int p = 0; fan && p < page->n_policy; p++) {
        if (!gather_fan(page, &fan[n_fan], key, v * page->n_policy + p)) goto done;
        n_fan += fan[n_fan].n > 0;
    }
    if (n_fan == 0) goto done;

    int64_t row = page_find_row(r->stocks, "name", names->name[v]);
    double low = row < 0 ? NAN : frame_number(r->stocks, "low", row);
    double high = row < 0 ? NAN : frame_number(r->stocks, "high", row);
    ChartBox box = {.time = &page->time, .width = n_fan == 1 ? 390 : 262, .height = n_fan == 1 ? 195 : 166};
    chart_range(n_fan, fan, low, high, &box.low, &box.high);

    text_append(out, "<div class=\"stock\">\n");
    heading(page, r->stocks, names->name[v], true);
    open_panels(out, names->name[v], n_fan);
    if (n_fan > 1) {
        ChartBox wide = box;
        wide.width = 400;
        wide.height = n_fan > 2 ? 306 : 187;
        means_panel(page, names->name[v], n_fan, fan, wide);
    }
    const ChartFan *equilibrium = fan[0].colour == 0 ? &fan[0] : NULL;
    for (int f = 0; f < n_fan; f++)
        fan_panel(page, names->name[v], &fan[f], &fan[f] == equilibrium ? NULL : equilibrium, box);
    text_append(out, "</div>\n");
    fan_table(page, names->name[v], n_fan, fan);
    text_append(out, "</div>\n");

done:
    arena_release(page->arena, mark);
}

// ---- modes --------------------------------------------------------------------------------------------------------

// values of a mode in the order in which it declares them, then others that the series know
static bool gather_values(Page *page, Names *values, const char *mode, const int32_t *key, int v) {
    enum { VALUES_MAX = 64 };
    const Report *r = page->report;
    *values = (Names){.most = VALUES_MAX};
    values->name = page_alloc(page, VALUES_MAX, sizeof *values->name);
    if (!values->name) return false;
    int64_t row = page_find_row(r->modes, "name", mode);
    const char *declared = row < 0 ? "" : frame_text(r->modes, "values", row);
    while (*declared && values->n < values->most) {
        declared += strspn(declared, ", ");
        size_t n = strcspn(declared, ",");
        if (n == 0) break;
        size_t trimmed = n;
        while (trimmed && declared[trimmed - 1] == ' ') trimmed--;
        char *value = arena_text(page->arena, declared, trimmed);
        if (!value) {
            page->out->failed = true;
            return false;
        }
        values->name[values->n++] = value;
        declared += n;
    }
    for (int64_t i = 0; i < page_rows(r->mode_series); i++) {
        if (key[i] < 0 || key[i] / page->n_policy != v) continue;
        const char *value = frame_text(r->mode_series, "value", i);
        if (find_name(values, value) < 0 && values->n < values->most) values->name[values->n++] = value;
    }
    return true;
}

typedef struct Shares {
    int policy, n;
    double *time;     // [n]
    double *day;      // [n], NULL without a calendar
    double *share;    // [n_value x n]
} Shares;

static bool gather_shares(Page *page, Shares *s, const Names *values, const int32_t *key, int32_t wanted) {
    const Frame *series = page->report->mode_series;
    *s = (Shares){.policy = wanted % page->n_policy};
    int64_t n_row = page_rows(series);
    int n = 0;
    for (int64_t i = 0; i < n_row; i++) n += key[i] == wanted;
    if (n == 0) return true;

    // times as they come, each once; rows run through the values of one time or the times of one value, so that the
    // time wanted is mostly the last one found or the next
    double *time = page_alloc(page, 2 * (size_t)n, sizeof *time), *day = time ? time + n : NULL;
    int *at = page_alloc(page, (size_t)n, sizeof *at);
    if (!time || !at) return false;
    int n_time = 0, last = 0, k = 0;
    for (int64_t i = 0; i < n_row; i++) {
        if (key[i] != wanted) continue;
        double t = frame_number(series, "time", i);
        int found = -1;
        for (int tried = 0; tried < n_time && found < 0; tried++) {
            int j = (last + tried) % n_time;
            if (time[j] == t) found = j;
        }
        if (found < 0) {
            found = n_time++;
            time[found] = t;
            day[found] = day_of(page, series, i);
        }
        at[k++] = last = found;
    }
    s->n = n_time < POINTS_MAX ? n_time : POINTS_MAX;
    double *full = page_alloc(page, (size_t)values->n * (size_t)n_time, sizeof *full);
    s->time = page_alloc(page, 2 * (size_t)s->n, sizeof *s->time);
    s->share = page_alloc(page, (size_t)values->n * (size_t)s->n, sizeof *s->share);
    if (!full || !s->time || !s->share) return false;
    if (page->time.has_date) s->day = s->time + s->n;
    k = 0;
    for (int64_t i = 0; i < n_row; i++) {
        if (key[i] != wanted) continue;
        int v = find_name(values, frame_text(series, "value", i));
        if (v >= 0) full[(size_t)v * (size_t)n_time + (size_t)at[k]] = frame_number(series, "share", i);
        k++;
    }
    for (int j = 0; j < s->n; j++) {
        int i = thinned(n_time, POINTS_MAX, j);
        s->time[j] = time[i];
        if (s->day) s->day[j] = day[i];
        for (int v = 0; v < values->n; v++)
            s->share[(size_t)v * (size_t)s->n + (size_t)j] = full[(size_t)v * (size_t)n_time + (size_t)i];
    }
    return true;
}

static void say_shares(Page *page, Text *out, const Names *values, const Shares *s, int i, bool is_plain) {
    when(page, out, s->time[i], s->day ? &s->day[i] : NULL, is_plain);
    text_append(out, ": ");
    for (int v = 0; v < values->n; v++) {
        if (v) text_append(out, ", ");
        if (is_plain) text_append(out, values->name[v]);
        else          html_escape(out, values->name[v]);
        text_char(out, ' ');
        double share = s->share[(size_t)v * (size_t)s->n + (size_t)i];
        if (is_plain) html_percent_plain(out, share);
        else          html_percent(out, share);
    }
}

static void share_panel(Page *page, const char *mode, const Names *values, const Shares *s, bool is_alone) {
    Text *out = page->out, title = {0}, description = {0};
    const char *label = page_policy_label(page->policy[s->policy]);
    text_printf(&title, "%s under %s", mode, label);
    say_shares(page, &description, values, s, 0, true);
    text_append(&description, "; at the end, ");
    say_shares(page, &description, values, s, s->n - 1, true);
    text_char(&description, '.');
    char id[16];
    ChartBox box = {.id = page_id(page, id), .title = text_view(&title), .description = text_view(&description),
                    .width = is_alone ? 390 : 262, .height = is_alone ? 168 : 134, .time = &page->time, .high = 1};
    text_printf(out, "<figure data-policy=\"%d\">\n", s->policy);
    if (page->n_policy > 1) caption(out, s->policy, label);
    chart_share(out, &box, values->n, values->name, s->n, s->time, s->day, s->share);
    text_append(out, "<p class=\"say\">");
    say_shares(page, out, values, s, s->n - 1, false);
    text_append(out, "</p>\n</figure>\n");
    if (title.failed || description.failed) out->failed = true;
    text_free(&title);
    text_free(&description);
}

static void share_table(Page *page, const char *mode, const Names *values, int n, const Shares *s) {
    Text *out = page->out;
    const char **head = page_alloc(page, (size_t)values->n + 2, sizeof *head);
    if (!head) return;
    head[0] = "policy";
    head[1] = page->time.has_date ? "date" : "time";
    for (int v = 0; v < values->n; v++) head[v + 2] = values->name[v];
    text_append(out, "<details><summary>Numbers<span class=\"hidden\"> of ");
    html_escape(out, mode);
    text_append(out, "</span></summary>\n");
    HtmlTable t = html_table(out, "numbers", "Share of runs in each value", head, values->n + 2);
    for (int p = 0; p < n; p++) {
        int n_row = s[p].n < 7 ? s[p].n : 7;
        for (int k = 0; k < n_row; k++) {
            int i = thinned(s[p].n, 7, k);
            html_row(&t);
            html_cell_text(&t, "name", page_policy_label(page->policy[s[p].policy]));
            html_cell(&t, "name");
            when(page, out, s[p].time[i], s[p].day ? &s[p].day[i] : NULL, false);
            html_end_cell(&t);
            for (int v = 0; v < values->n; v++) {
                html_cell(&t, "number");
                html_percent(out, s[p].share[(size_t)v * (size_t)s[p].n + (size_t)i]);
                html_end_cell(&t);
            }
            html_end_row(&t);
        }
    }
    html_end_table(&t);
    text_append(out, "</details>\n");
}

static void mode_paths(Page *page, const Names *names, const int32_t *key, int v) {
    Text *out = page->out;
    ArenaMark mark = arena_mark(page->arena);
    Names values;
    Shares *shares = page_alloc(page, (size_t)page->n_policy, sizeof *shares);
    int n = 0;
    if (!shares || !gather_values(page, &values, names->name[v], key, v)) goto done;
    for (int p = 0; p < page->n_policy; p++) {
        if (!gather_shares(page, &shares[n], &values, key, v * page->n_policy + p)) goto done;
        n += shares[n].n > 0;
    }
    if (n == 0 || values.n == 0) goto done;

    text_append(out, "<div class=\"stock\">\n");
    heading(page, page->report->modes, names->name[v], false);
    text_append(out, "<ul class=\"keys\">");
    for (int u = 0; u < values.n; u++) {
        text_printf(out, "<li><svg class=\"key\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect class=\"area\" "
                         "x=\"0\" y=\"0\" width=\"12\" height=\"12\" fill-opacity=\"%.2f\"/></svg>",
                    values.n > 1 ? 0.14 + 0.74 * u / (values.n - 1) : 0.5);
        html_escape(out, values.name[u]);
        text_append(out, "</li>");
    }
    text_append(out, "</ul>\n");
    open_panels(out, names->name[v], n == 1 ? 1 : 4);
    for (int p = 0; p < n; p++) share_panel(page, names->name[v], &values, &shares[p], n == 1);
    text_append(out, "</div>\n");
    share_table(page, names->name[v], &values, n, shares);
    text_append(out, "</div>\n");

done:
    arena_release(page->arena, mark);
}

// ---- the section --------------------------------------------------------------------------------------------------

static void legend(Page *page) {
    Text *out = page->out;
    text_append(out, "<ul class=\"legend\" id=\"policies\" aria-label=\"Policies\">");
    for (int p = 0; p < page->n_policy; p++) {
        const char *name = page->policy[p];
        text_printf(out, "<li data-policy=\"%d\">", p);
        swatch(out, p);
        html_escape(out, page_policy_label(name));
        text_append(out, "</li>");
    }
    text_append(out, "</ul>\n");
}

// what each policy is, for those who cannot hover over the legend
static void meanings(Page *page) {
    Text *out = page->out;
    const Frame *f = page->report->policies;
    text_append(out, "<details><summary>What the policies are</summary>\n<dl class=\"terms\">");
    for (int64_t i = 0; i < page_rows(f); i++) {
        if (page_is_empty(f, "text", i)) continue;
        text_append(out, "<div><dt>");
        html_escape(out, frame_text(f, "name", i));
        text_append(out, "</dt><dd>");
        html_escape(out, frame_text(f, "text", i));
        text_append(out, "</dd></div>");
    }
    text_append(out, "</dl>\n</details>\n");
}

void page_paths(Page *page) {
    const Report *r = page->report;
    if (!page->has_series) return;
    Names stocks, modes;
    if (!gather_names(page, &stocks, r->stocks, r->series, "variable")
        || !gather_names(page, &modes, r->modes, r->mode_series, "mode")) return;
    int32_t *stock_key = gather_keys(page, &stocks, r->series, "variable");
    int32_t *mode_key = gather_keys(page, &modes, r->mode_series, "mode");
    if (!stock_key || !mode_key) return;

    page_section(page, "paths", "Paths over time");
    text_append(page->out, "<p class=\"how\">");
    if (page_rows(r->series)) {
        text_append(page->out, "For stocks, the line is the median run, the dark band holds half of the runs and the "
                               "pale band nine in ten. ");
        if (page->n_policy > 1)
            text_append(page->out, "The thin dashed line repeats the median of the equilibrium, in which every actor "
                                   "follows its own rule. Panels of one stock share their axes. ");
    }
    if (page_rows(r->mode_series))
        text_append(page->out, "For modes, the areas are the shares of runs in each value. ");
    text_append(page->out, "</p>\n");
    if (page->n_policy > 1) legend(page);
    if (page_rows(r->policies)) meanings(page);
    // without policies to compare, two variables stand side by side
    if (page->n_policy == 1) text_append(page->out, "<div class=\"pairs\">\n");
    for (int v = 0; v < stocks.n; v++) stock_paths(page, &stocks, stock_key, v);
    for (int v = 0; v < modes.n; v++) mode_paths(page, &modes, mode_key, v);
    if (page->n_policy == 1) text_append(page->out, "</div>\n");
    text_append(page->out, "</section>\n");
}
