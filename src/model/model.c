#include "model/model.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void model_free(Model *model) {
    if (model) arena_free(model->arena);
}

int32_t model_row_actor(const Model *m, int32_t row, int32_t *type) {
    int32_t actor = 0;
    while (row >= model_types(m, actor)) row -= model_types(m, actor++);
    *type = row;
    return actor;
}

int32_t model_belief(const Model *m, int32_t v, int32_t *type) {
    for (int32_t p = 0; p < m->n_private; p++) {
        int32_t k = v - m->private[p].variable;
        if (k < 0 || k >= m->private[p].n_type - 1) continue;
        *type = k + 1;
        return p;
    }
    return -1;
}

const char *model_variable_name(const Model *m, int32_t v) {
    int32_t type, p = model_belief(m, v, &type);
    if (p >= 0) return m->private[p].belief[type];
    return v < m->n_mode ? m->mode[v].name : m->stock[v - m->n_mode].name;
}

// one search for every table whose rows start with a name
static int32_t find(const void *rows, int32_t n, size_t size, const char *name) {
    for (int32_t i = 0; i < n; i++) {
        const char *const *row = (const void *)((const char *)rows + (size_t)i * size);
        if (strcmp(*row, name) == 0) return i;
    }
    return -1;
}

#define FIND(table) find(m->table, m->n_##table, sizeof *m->table, name)
int32_t model_find_actor (const Model *m, const char *name) { return FIND(actor); }
int32_t model_find_param (const Model *m, const char *name) { return FIND(param); }
int32_t model_find_jump  (const Model *m, const char *name) { return FIND(jump); }
int32_t model_find_policy(const Model *m, const char *name) { return FIND(policy); }
int32_t model_find_claim (const Model *m, const char *name) { return FIND(claim); }

int32_t model_find_variable(const Model *m, const char *name) {
    int32_t i = FIND(mode);
    if (i >= 0) return i;
    i = FIND(stock);
    if (i >= 0) return m->n_mode + i;
    for (int32_t p = 0; p < m->n_private; p++)
        for (int32_t k = 1; k < m->private[p].n_type; k++)
            if (strcmp(m->private[p].belief[k], name) == 0) return m->private[p].variable + k - 1;
    return -1;
}

int32_t model_find_value(const ModelMode *mode, const char *name) {
    for (int32_t i = 0; i < mode->n_value; i++)
        if (strcmp(mode->value[i], name) == 0) return i;
    return -1;
}

void model_params(const Model *m, double *param) {
    for (int32_t i = 0; i < m->n_param; i++) param[i] = m->param[i].value;
}

double model_prior_sd(const ModelParam *param) {
    double a = param->prior_a, b = param->prior_b, c = param->prior_c, sd = 0;
    switch (param->prior) {
        case PRIOR_NONE:        break;
        case PRIOR_UNIFORM:     sd = (b - a) / sqrt(12); break;
        case PRIOR_NORMAL:      sd = b; break;
        case PRIOR_LOGNORMAL:   sd = exp(a + b * b / 2) * sqrt(expm1(b * b)); break;
        case PRIOR_BETA:        sd = sqrt(a * b / (a + b + 1)) / (a + b); break;
        case PRIOR_GAMMA:       sd = sqrt(a) * b; break;
        case PRIOR_EXPONENTIAL: sd = a; break;
        case PRIOR_TRIANGULAR:  sd = sqrt((a * a + b * b + c * c - a * b - a * c - b * c) / 18); break;
    }
    return sd * fabs(param->scale);
}

const char *model_place(const Model *m, Span span, char *buffer, int size) {
    const char *file = span.file >= 0 && span.file < m->n_file ? m->file[span.file] : "?";
    snprintf(buffer, (size_t)size, "%s:%d:%d", file, span.line, span.column);
    return buffer;
}

DurStatus model_fail(const Model *m, Span span, DurError *error, DurStatus status, const char *format, ...) {
    if (!error || error->text[0]) return status;
    char place[512], sentence[sizeof error->text];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    status_fail(error, status, "%s: %s", model_place(m, span, place, sizeof place), sentence);
    error->span = span;
    error->sentence = (int)strlen(place) + 2;
    return status;
}

// civil calendar by 400-year eras of 146097 days, years starting in March so that the leap day comes last
int32_t model_day_from_date(int year, int month, int day) {
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int of_era = y - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + day_of_era - 719468;
}

void model_date_from_day(int32_t day, int *year, int *month, int *date) {
    int z = day + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;
    *date = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

bool model_date_exists(int year, int month, int day) {
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    int y, m, d;
    model_date_from_day(model_day_from_date(year, month, day), &y, &m, &d);
    return y == year && m == month && d == day;
}

const char *model_date(const Model *m, double time, char buffer[16]) {
    buffer[0] = '\0';
    if (m->from_day == INT32_MIN || !isfinite(time) || fabs(time * m->days_per_unit) > 1e6) return buffer;
    int y, mo, d;
    model_date_from_day(m->from_day + (int32_t)floor(time * m->days_per_unit + 1e-9), &y, &mo, &d);
    snprintf(buffer, 16, "%04u-%02u-%02u", (unsigned)y % 10000u, (unsigned)mo % 100u, (unsigned)d % 100u);
    return buffer;
}
