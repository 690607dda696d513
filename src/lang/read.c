#include "lang/lang.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// a stretch of the text, without the space around it
typedef struct Piece { const char *s; int n; } Piece;

static Piece trimmed(const char *s, const char *end) {
    while (s < end && isspace((unsigned char)*s)) s++;
    while (end > s && isspace((unsigned char)end[-1])) end--;
    return (Piece){s, end - s > 200 ? 200 : (int)(end - s)};
}

// a number as a scenario writes it: digits, a point, an exponent, a sign, a percent sign; nothing else strtod knows
static bool number_of(Piece p, double *value) {
    char buffer[256];
    int n = p.n;
    bool is_percent = n > 0 && p.s[n - 1] == '%';
    if (is_percent) n--;
    if (n <= 0 || !isdigit((unsigned char)p.s[n - 1])) return false;
    for (int i = 0; i < n; i++) {
        bool is_part = isdigit((unsigned char)p.s[i]) || strchr(".eE+-", p.s[i]);
        if (!is_part) return false;
        buffer[i] = p.s[i];
    }
    buffer[n] = '\0';
    char *end;
    *value = strtod(buffer, &end);
    if (is_percent) *value /= 100;
    return *end == '\0' && *value - *value == 0;
}

// the name and the value of "name=value"; false if it has no such form
static bool split(const char *s, const char *end, Piece *name, Piece *value) {
    const char *equals = memchr(s, '=', (size_t)(end - s));
    if (!equals) return false;
    *name = trimmed(s, equals);
    // `==`, as a condition would have it, is as clear
    *value = trimmed(equals + 1 < end && equals[1] == '=' ? equals + 2 : equals + 1, end);
    return name->n > 0 && value->n > 0;
}

static void copy_of(Piece p, char buffer[201]) {
    memcpy(buffer, p.s, (size_t)p.n);
    buffer[p.n] = '\0';
}

static DurStatus unknown(DurError *error, const char *what, const char *name, const char *const *all, int n) {
    const char *near = text_nearest(name, all, n);
    if (near) return status_fail(error, DUR_INPUT, "there is no %s called `%s`; did you mean `%s`?", what, name,
                                 near);
    return status_fail(error, DUR_INPUT, "there is no %s called `%s`", what, name);
}

static DurStatus read_mode(const ModelMode *mode, const char *value, double *out, DurError *error) {
    int32_t v = model_find_value(mode, value);
    if (v < 0) {
        const char *near = text_nearest(value, mode->value, mode->n_value);
        if (near) return status_fail(error, DUR_INPUT, "`%s` has no value called `%s`; did you mean `%s`?",
                                     mode->name, value, near);
        Text all = {0};
        for (int32_t i = 0; i < mode->n_value; i++) text_printf(&all, "%s`%s`", i ? ", " : "", mode->value[i]);
        status_fail(error, DUR_INPUT, "`%s` has no value called `%s`; its values are %s", mode->name, value,
                    text_view(&all));
        text_free(&all);
        return DUR_INPUT;
    }
    *out = v;
    return DUR_OK;
}

static DurStatus read_stock(const ModelStock *stock, Piece value, double *out, DurError *error) {
    double x;
    if (!number_of(value, &x))
        return status_fail(error, DUR_INPUT, "`%.*s` is not a number: `%s` is a stock", value.n, value.s,
                           stock->name);
    if (x < stock->low || x > stock->high) {
        char a[32], b[32];
        return status_fail(error, DUR_INPUT, "%.*s is outside the range of `%s`, %s..%s", value.n, value.s,
                           stock->name,
                           text_from_double(a, stock->low), text_from_double(b, stock->high));
    }
    *out = x;
    return DUR_OK;
}

// the words of "belief(sender is resolved)" with one space between them
static void tidy(char *s) {
    char *to = s;
    for (const char *from = s; *from; from++) {
        bool space = isspace((unsigned char)*from), next = strchr("() \t", from[1]) != NULL;
        if (!space || (to > s && to[-1] != '(' && !next)) *to++ = space ? ' ' : *from;
    }
    *to = '\0';
}

// the probability of one type, each type's in its own place; negative: not said
typedef double Said[MODEL_VARIABLES_MAX][MODEL_TYPES_MAX];

static bool find_belief(const Model *m, const char *name, int32_t *private, int32_t *type) {
    for (*private = 0; *private < m->n_private; ++*private)
        for (*type = 0; *type < m->private[*private].n_type; ++*type)
            if (strcmp(m->private[*private].belief[*type], name) == 0) return true;
    return false;
}

static DurStatus read_belief(Piece value, const char *name, double *out, DurError *error) {
    if (!number_of(value, out))
        return status_fail(error, DUR_INPUT, "`%.*s` is not a number: `%s` is a probability", value.n, value.s, name);
    if (!(*out >= 0 && *out <= 1))
        return status_fail(error, DUR_INPUT, "`%s` is a probability, from 0 to 1, and %.*s is not", name, value.n,
                           value.s);
    return DUR_OK;
}

// what was said of some types of a private leaves the rest to the others, in the proportions that they had
static DurStatus settle_beliefs(const Model *m, Said said, double *state, DurError *error) {
    for (int32_t p = 0; p < m->n_private; p++) {
        const ModelPrivate *private = &m->private[p];
        double *b = state + private->variable, first = 1, sum = 0, rest = 0;
        int32_t n_said = 0, n = private->n_type;
        for (int32_t t = 1; t < n; t++) first -= b[t - 1];
        for (int32_t t = 0; t < n; t++) {
            double had = t == 0 ? first : b[t - 1];
            if (said[p][t] >= 0) sum += said[p][t], n_said++;
            else rest += had > 0 ? had : 0;
        }
        if (n_said == 0) continue;
        if (sum > 1 + 1e-9 || (n_said == n && sum < 1 - 1e-9)) {
            char number[32];
            return status_fail(error, DUR_INPUT, "the beliefs about `%s` add up to %s", m->actor[private->actor].name,
                               text_from_double(number, sum));
        }
        for (int32_t t = 1; t < n; t++) {
            double part = rest > 0 ? b[t - 1] / rest : 1.0 / (n - n_said);
            b[t - 1] = said[p][t] >= 0 ? said[p][t] : part * (sum < 1 ? 1 - sum : 0);
        }
    }
    return DUR_OK;
}

DurStatus lang_read_state(const Model *model, const char *text, double *state, DurError *error) {
    if (trimmed(text, text + strlen(text)).n == 0) return DUR_OK;   // nothing is changed
    Said said;
    bool named[MODEL_VARIABLES_MAX] = {0};
    for (int32_t p = 0; p < model->n_private; p++)
        for (int32_t t = 0; t < MODEL_TYPES_MAX; t++) said[p][t] = -1;
    for (const char *s = text;;) {
        const char *end = s + strcspn(s, ",");
        Piece name, value;
        if (!split(s, end, &name, &value)) {
            Piece all = trimmed(s, end);
            return status_fail(error, DUR_INPUT, "`%.*s` is not of the form `name=value`", all.n, all.s);
        }
        char buffer[201];
        copy_of(name, buffer);
        tidy(buffer);
        int32_t v = model_find_variable(model, buffer), private, type;
        bool is_belief = find_belief(model, buffer, &private, &type);
        if (v < 0 && !is_belief) {
            const char *all[MODEL_VARIABLES_MAX];
            int32_t n = model_variables(model);
            for (int32_t i = 0; i < n; i++) all[i] = model_variable_name(model, i);
            return unknown(error, model->n_private ? "stock, mode or belief" : "stock or mode", buffer, all, n);
        }
        if (is_belief ? said[private][type] >= 0 : named[v])
            return status_fail(error, DUR_INPUT, "`%s` is given twice, and can be given once", buffer);
        if (!is_belief) named[v] = true;
        if (is_belief) TRY(read_belief(value, buffer, &said[private][type], error));
        else if (v < model->n_mode) {
            copy_of(value, buffer);
            TRY(read_mode(&model->mode[v], buffer, &state[v], error));
        } else TRY(read_stock(&model->stock[v - model->n_mode], value, &state[v], error));
        if (!*end) return settle_beliefs(model, said, state, error);
        s = end + 1;
    }
}

DurStatus lang_read_param(const Model *model, const char *text, double *param, DurError *error) {
    Piece name, value;
    if (!split(text, text + strlen(text), &name, &value))
        return status_fail(error, DUR_INPUT, "`%s` is not of the form `name=value`", text);
    char buffer[201];
    copy_of(name, buffer);
    int32_t i = model_find_param(model, buffer);
    if (i < 0) {
        const char **all = memory_alloc((size_t)model->n_param * sizeof *all);
        if (!all) return status_fail(error, DUR_MEMORY, "out of memory");
        for (int32_t j = 0; j < model->n_param; j++) all[j] = model->param[j].name;
        DurStatus s = unknown(error, "param", buffer, all, model->n_param);
        memory_free(all);
        return s;
    }
    double x;
    if (!number_of(value, &x)) return status_fail(error, DUR_INPUT, "`%.*s` is not a number", value.n, value.s);
    param[i] = x * model->param[i].scale;
    return DUR_OK;
}

DurStatus lang_read_grid(const Model *model, const char *text, int32_t *n_node, DurError *error) {
    Piece name, value;
    if (!split(text, text + strlen(text), &name, &value))
        return status_fail(error, DUR_INPUT, "`%s` is not of the form `stock=N`", text);
    char buffer[201];
    copy_of(name, buffer);
    tidy(buffer);
    double x;
    if (!number_of(value, &x) || x != (int32_t)x || x < 2 || x > LANG_GRID_MAX)
        return status_fail(error, DUR_INPUT, "`%.*s` is no number of nodes: a grid has from 2 to %d", value.n, value.s,
                           LANG_GRID_MAX);
    int32_t v = model_find_variable(model, buffer), private, type;
    if (v >= model->n_mode && v < model->n_mode + model->n_stock) n_node[v] = (int32_t)x;
    else if (find_belief(model, buffer, &private, &type)) {
        const ModelPrivate *p = &model->private[private];
        for (int32_t t = 1; t < p->n_type; t++) n_node[p->variable + t - 1] = (int32_t)x;
    } else {
        const char *all[MODEL_VARIABLES_MAX];
        int32_t n = model_variables(model) - model->n_mode;
        for (int32_t i = 0; i < n; i++) all[i] = model_variable_name(model, model->n_mode + i);
        return unknown(error, model->n_private ? "stock or belief" : "stock", buffer, all, n);
    }
    return DUR_OK;
}
