#define _POSIX_C_SOURCE 200809L
#include "study/study.h"

#include "base/file.h"
#include "base/memory.h"
#include "game/nest.h"
#include "game/sweep.h"
#include "study/approach.h"
#include "study/doubts.h"
#include "study/keep.h"
#include "study/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *dur_status_text(DurStatus status) { return status_text(status); }
int         dur_exit_code(DurStatus status) { return status_exit_code(status); }

char *dur_quote(char *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,%@";
    size_t n = strlen(word);
    if (n && strspn(word, plain) == n) {
        memcpy(out, word, n + 1);
        return out + n;
    }
    *out++ = '\'';
    for (; *word; word++) {
        *out++ = *word;
        // a quote ends what is quoted, stands by itself, and begins it again
        if (*word == '\'') {
            memcpy(out, "\\''", 3);
            out += 3;
        }
    }
    *out++ = '\'';
    *out = '\0';
    return out;
}

const char *dur_nearest(const char *name, const char *const *names, int n) { return text_nearest(name, names, n); }

static DurStatus pass(DurStatus status, const DurError *from, char to[1024]) {
    if (to) memcpy(to, from->text, sizeof from->text);
    return status;
}

// ---- opening and closing ----------------------------------------------------------------------------------------

// a rival that was asked for is there, unless faults hide it
static DurStatus found_rival(const Model *m, const char *name, DurError *error) {
    if (!m || !name || m->account) return DUR_OK;
    const char **names = memory_zeroed((size_t)m->n_rival + 1, sizeof *names);
    if (!names) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t r = 0; r < m->n_rival; r++) names[r] = m->rival[r].name;
    const char *near = text_nearest(name, names, m->n_rival);
    if (near) status_fail(error, DUR_INPUT, "there is no rival `%s`; did you mean `%s`?", name, near);
    else if (m->n_rival) status_fail(error, DUR_INPUT, "there is no rival `%s`; the first of %d is `%s`", name, m->n_rival, names[0]);
    else status_fail(error, DUR_INPUT, "there is no rival `%s`: the scenario has none", name);
    memory_free((void *)names);
    return DUR_INPUT;
}

DurStatus dur_open(DurScenario **out, const char *path, const DurOptions *options, char error[1024]) {
    static const DurOptions none;
    if (!options) options = &none;
    DurError why = {0};
    *out = NULL;
    DurScenario *s = memory_zeroed(1, sizeof *s);
    if (!s) return pass(status_fail(&why, DUR_MEMORY, "%s: out of memory", path), &why, error);
    s->n_query = options->n_query;
    DurStatus status = lang_compile_rival(&s->compilation, path, options->rival, options->query, options->n_query, &why);
    if (status == DUR_OK) status = found_rival(s->compilation.model, options->rival, &why);
    if (status != DUR_OK) {
        dur_close(s);
        return pass(status, &why, error);
    }
    s->model = s->compilation.model;
    *out = s;
    return pass(DUR_OK, &why, error);
}

void dur_close(DurScenario *s) {
    if (!s) return;
    session_free(&s->session, s->model);
    team_free(s->team);
    lang_free(&s->compilation);
    memory_free(s);
}

bool dur_faulty(const DurScenario *s) { return s->model == NULL; }

DurStatus dur_format(const char *path, bool rewrite, DurResult **out, char error[1024]) {
    DurError why = {0};
    Text text = {0}, formatted = {0};
    Compilation faults = {0};
    DurResult *result = NULL;
    *out = NULL;
    DurStatus status = file_read(&text, path, LANG_FILE_BYTES_MAX, &why);
    if (status != DUR_OK) goto done;
    status = lang_format(&formatted, path, text_view(&text), text.length, &faults, &why);
    if (status != DUR_OK) goto done;
    result = result_make();
    if (!result || formatted.failed) {
        status = status_fail(&why, DUR_MEMORY, "%s: out of memory", path);
        goto done;
    }
    if (faults.diagnostics.n_error) {
        status = result_faults(result, &faults);
        goto done;
    }

    bool differs = formatted.length != text.length ||
                   memcmp(text_view(&formatted), text_view(&text), text.length) != 0;
    text_append_n(&result->text, text_view(&formatted), formatted.length);
    Json j = json_make(&result->json);
    json_object(&j);
    json_pair_string(&j, "file", path);
    json_pair_bool(&j, "changed", differs);
    json_end_object(&j);
    if (differs) status = rewrite ? file_write(path, text_view(&formatted), formatted.length, &why) : DUR_UNMET;

done:
    text_free(&text);
    text_free(&formatted);
    lang_free(&faults);
    return result_finish(&result, out, status, &why, error);
}

// ---- what a command starts with ---------------------------------------------------------------------------------

void session_free(Session *session, const Model *model) {
    for (int32_t p = 0; model && p < model->n_policy; p++) {
        StudyPhase *phases = session->phase ? session->phase[p] : NULL;
        for (int32_t k = 0; phases && k < model->policy[p].n_phase; k++) {
            if (phases[k].is_solved) game_free(&phases[k].solution);
            policy_free(phases[k].surprise);
        }
        memory_free(phases);
    }
    for (int32_t p = 0; model && session->plan && p <= model->n_policy; p++) {
        if (session->plan[p]) memory_free(session->plan[p]->step);
        memory_free(session->plan[p]);
    }
    memory_free(session->phase);
    memory_free(session->plan);
    memory_free(session->known);
    memory_free(session->n_node);
    if (session->is_solved) game_free(&session->equilibrium);
    if (session->has_others) game_equilibria_free(&session->others);
    lattice_free(session->lattice);
    memory_free(session->param);
    *session = (Session){0};
}

DurStatus session_make(Session *session, const Model *model, const double *param, const int32_t *n_node,
                       DurError *error) {
    *session = (Session){0};
    session->param = memory_column(model->n_param);
    session->phase = memory_zeroed((size_t)model->n_policy, sizeof *session->phase);
    session->plan = memory_zeroed((size_t)model->n_policy + 1, sizeof *session->plan);
    session->known = memory_zeroed((size_t)model->n_quantity, sizeof *session->known);
    if (n_node) session->n_node = memory_column_i32(model_variables(model));
    bool made = session->param && session->phase && session->plan && session->known && (session->n_node || !n_node);
    for (int32_t p = 0; made && p < model->n_policy; p++) {
        session->phase[p] = memory_zeroed((size_t)model->policy[p].n_phase, sizeof **session->phase);
        made = session->phase[p] != NULL;
    }
    if (!made) {
        session_free(session, model);
        return status_fail(error, DUR_MEMORY, "out of memory");
    }
    memcpy(session->param, param, (size_t)model->n_param * sizeof *param);
    if (n_node) memcpy(session->n_node, n_node, (size_t)model_variables(model) * sizeof *n_node);
    return DUR_OK;
}

// the team is kept from command to command unless another size is asked for
static DurStatus take_team(DurScenario *s, int n_thread, DurError *error) {
    if (s->team && s->n_thread == n_thread) return DUR_OK;
    team_free(s->team);
    s->team = team_make(n_thread);
    s->n_thread = n_thread;
    return s->team ? DUR_OK : status_fail(error, DUR_MEMORY, "the machine gave no threads");
}

// what was made under other parameters or another tolerance answers another question
DurStatus study_session(DurScenario *s, const DurOptions *options, const double *param, const int32_t *n_node, DurError *error) {
    Session *now = &s->session;
    size_t n_grid_byte = (size_t)model_variables(s->model) * sizeof *n_node;
    bool same_grid = now->n_node && n_node ? memcmp(now->n_node, n_node, n_grid_byte) == 0 : now->n_node == n_node;
    size_t n_byte = (size_t)s->model->n_param * sizeof *param;
    int32_t n_start = options->starts > 0 || options->equilibrium == 0 ? options->starts : STARTS;
    if (now->param && memcmp(now->param, param, n_byte) == 0 && same_grid && now->tolerance == options->tolerance &&
        now->max_sweep == options->max_sweep && now->n_start == n_start && now->which == options->equilibrium) return DUR_OK;
    session_free(now, s->model);
    TRY(session_make(now, s->model, param, n_node, error));
    now->tolerance = options->tolerance;
    now->max_sweep = options->max_sweep;
    now->n_start = n_start;
    now->which = options->equilibrium;
    return DUR_OK;
}

void study_grids(Text *out, const DurScenario *s) {
    int32_t said[MODEL_VARIABLES_MAX];
    lattice_grid(s->model, said);
    for (int32_t v = s->model->n_mode; s->session.n_node && v < model_variables(s->model); v++)
        if (s->session.n_node[v] != said[v])
            text_printf(out, "grid %s=%d\n", model_variable_name(s->model, v), s->session.n_node[v]);
}

// what the modules tell, with what it is done for
static void tell_labelled(void *context, const char *what, double done, double total, const char *note) {
    const DurScenario *s = context;
    char text[128];
    snprintf(text, sizeof text, "%s%s%s%s", s->stage ? s->stage : "", what, s->label ? " " : "",
             s->label ? s->label : "");
    s->told->tell(s->told->context, text, done, total, note);
}

static bool stop_asked(void *context) {
    const DurScenario *s = context;
    return s->told->stop(s->told->context);
}

static void take_progress(DurScenario *s, const DurProgress *told) {
    s->label = s->stage = NULL;
    s->told = told;
    s->progress = (Progress){told && told->tell ? tell_labelled : NULL, told && told->stop ? stop_asked : NULL, s};
}

// a result is never written over what it is made from: a slip of the pen would cost the only copy
static DurStatus spare_sources(const DurScenario *s, const DurOptions *options, DurError *error) {
    const char *out[] = {options->csv, options->html, options->part};
    for (size_t i = 0; i < DUR_COUNT(out); i++) {
        if (!out[i] || strcmp(out[i], "-") == 0) continue;
        // the last ones are no files but what was asked on the command line
        for (int32_t f = 0; f < s->compilation.n_file - s->n_query; f++)
            if (file_is_same(out[i], s->compilation.file[f].path))
                return status_fail(error, DUR_INPUT, "%s: is %s; nothing is written over it: name another file", out[i],
                                   f == 0 ? "the scenario itself" : "a file that the scenario imports");
        for (int k = 0; k < options->n_merge; k++)
            if (file_is_same(out[i], options->merge[k]))
                return status_fail(error, DUR_INPUT, "%s: is one of the parts; nothing is written over it: name another file", out[i]);
        if (options->store && file_is_same(out[i], options->store))
            return status_fail(error, DUR_INPUT, "%s: is the store; nothing is written over it: name another file", out[i]);
    }
    return DUR_OK;
}

DurStatus study_begin(DurScenario *s, const DurOptions **given, DurResult **result, DurError *error) {
    static const DurOptions none;
    if (!*given) *given = &none;
    const DurOptions *options = *given;
    *result = result_make();
    if (!*result) return status_fail(error, DUR_MEMORY, "out of memory");
    (*result)->compilation = &s->compilation;
    if (!s->model) return result_faults(*result, &s->compilation);
    TRY(spare_sources(s, options, error));
    take_progress(s, options->progress);
    TRY(take_team(s, options->threads, error));

    double *param = memory_column(s->model->n_param);
    if (!param) return status_fail(error, DUR_MEMORY, "out of memory");
    model_params(s->model, param);
    DurStatus status = DUR_OK;
    for (int i = 0; i < options->n_set && status == DUR_OK; i++)
        status = lang_read_param(s->model, options->set[i], param, error);
    int32_t n_node[MODEL_VARIABLES_MAX];
    if (options->n_grid) lattice_grid(s->model, n_node);
    for (int i = 0; i < options->n_grid && status == DUR_OK; i++)
        status = lang_read_grid(s->model, options->grid[i], n_node, error);
    if (status == DUR_OK) status = study_session(s, options, param, options->n_grid ? n_node : NULL, error);
    memory_free(param);
    return status;
}

void study_start(const DurScenario *s, double *state) {
    const Model *m = s->model;
    for (int32_t i = 0; i < m->n_mode; i++) state[i] = 0;
    for (int32_t k = 0; k < m->n_stock; k++)
        state[m->n_mode + k] = eval_state(m, m->stock[k].start, NULL, s->session.param, NULL, NULL);
    for (const ModelPrivate *p = m->private; p < m->private + m->n_private; p++)
        for (int32_t t = 1; t < p->n_type; t++) state[p->variable + t - 1] = p->start[t];
}

DurStatus study_reach(const char *path, DurError *error) {
    if (!path || strcmp(path, "-") == 0) return DUR_OK;
    // a pipe or a device is left alone: opening it is already doing something to it
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return DUR_OK;
    FileOut *probe;
    TRY(file_open(&probe, path, error));
    file_drop(probe);
    return DUR_OK;
}

// ---- lattice and equilibrium ------------------------------------------------------------------------------------

static DurStatus refuse_bytes(double n_state, double n_byte, const char *what, DurError *error) {
    double there = (double)memory_available();
    if (there <= 0 || n_byte <= there) return DUR_OK;
    Text states = {0};
    text_number(&states, n_state, 15);
    DurStatus status = status_fail(error, DUR_LIMIT,
        "%s of %s states takes about %.3g GB of memory and %.3g GB are free: make some `grid` coarser", what,
        text_view(&states), n_byte / 1e9, there / 1e9);
    text_free(&states);
    return status;
}

DurStatus study_room(const DurScenario *s, double n_byte, const char *what, DurError *error) {
    return refuse_bytes((double)s->session.lattice->n_state, n_byte, what, error);
}

DurStatus study_lattice(DurScenario *s, DurError *error) {
    Session *now = &s->session;
    if (now->lattice) return DUR_OK;

    // refused before it is taken
    LatticeSize size = lattice_size_grid(s->model, now->n_node);
    if (size.n_state > (double)LATTICE_STATES_MAX)
        return status_fail(error, DUR_LIMIT, "the lattice has %.4g states, and the limit is %.4g: make some `grid` "
                           "coarser, or leave a stock or mode out", size.n_state, (double)LATTICE_STATES_MAX);
    // the least that a solve keeps: a value of every actor and a few columns beside it
    double least = size.table_bytes + 8 * size.n_state * (model_rows(s->model) + 4);
    TRY(refuse_bytes(size.n_state, least, "a game", error));
    DurStatus status = lattice_make_grid(&now->lattice, s->model, now->param, now->n_node, error);
    if (status != DUR_OK) now->lattice = NULL;
    return status;
}

double study_bytes(const DurScenario *s, int32_t n_policy) {
    const Lattice *l = s->session.lattice;
    return (double)l->n_byte + game_bytes(l) + n_policy * policy_bytes(l);
}

// values on the coarser lattice, read off on this one; NULL with DUR_OK if there are none
static DurStatus carry(const Session *now, const Policy *coarse, double **out, DurError *error) {
    *out = NULL;
    if (!now->coarse || !coarse) return DUR_OK;
    *out = nest_carried(coarse->lattice, coarse->value, now->lattice);
    return *out ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
}

/// Sweeps of the values from what is near, where Newton's method fails in a game at other params.
#define NEAR_SWEEPS 600

// does the session start from solutions at other params?
static bool is_led(const DurScenario *s) {
    const Session *now = &s->session;
    return now->coarse && s->model->clock != CLOCK_ROUNDS &&
           memcmp(now->param, now->coarse->param, (size_t)s->model->n_param * sizeof *now->param) != 0;
}

// where a solve starts: at a solution that the session lent knows, `known`, carried over from its grids, or led over from its
// params. NULL with DUR_OK if there is nothing to start from
static DurStatus start_from(double **out, DurScenario *s, const Policy *known, int32_t policy, int32_t phase, DurError *error) {
    const Session *now = &s->session;
    *out = NULL;
    if (!now->coarse || !known) return DUR_OK;
    if (!is_led(s)) return carry(now, known, out, error);
    return approach(out, s, now->coarse, known, policy, phase, error);
}

// what only those who keep a solution ask for
static void drop_answered(GameSolution *g) {
    memory_free(g->answered);
    g->answered = NULL;
}

static DurStatus solve(DurScenario *s, GameSolution *out, const double *warm, bool is_unsure, const double *advantage,
                       const LatticeRule *rule, bool certificate, DurError *error) {
    Session *now = &s->session;
    // at other params than those lent: what is near counts, and following the principal branch there would cost a hundred times as much
    if (warm && is_led(s)) {
        GameOptions near = {.tolerance = now->tolerance, .max_sweep = now->max_sweep, .warm = warm, .warm_alone = true,
                            .warm_sweeps = NEAR_SWEEPS, .rule = rule, .skip_certificate = !certificate, .progress = &s->progress};
        TRY(game_solve(out, now->lattice, &near, s->team, error));
        drop_answered(out);
        if (out->verdict == GAME_CONVERGED) return DUR_OK;
        bool stopped = out->verdict == GAME_INTERRUPTED;
        game_free(out);
        if (stopped) return status_fail(error, DUR_INTERRUPTED, "interrupted while solving; nothing was written");
    }
    GameOptions options = {.tolerance = now->tolerance, .max_sweep = now->max_sweep, .warm = warm, .warm_unsure = is_unsure, .warm_advantage = advantage, .rule = rule,
                           .skip_certificate = !certificate, .progress = &s->progress};
    char name[KEEP_GAME_NAME];
    keep_game_name(s, &options, name);
    DurStatus status = DUR_OK;
    bool is_known = keep_load_game(s, name, rule, out);
    if (!is_known) status = game_solve(out, now->lattice, &options, s->team, error);
    // a certificate that nobody asked for is had all the same where answers may need it
    bool is_solved = status == DUR_OK && out->verdict == GAME_CONVERGED;
    certificate |= is_solved && doubts_open(out);
    bool lacks = is_solved && certificate && isnan(out->certificate.consistency) && !out->certificate.is_unsettled;
    if (lacks) status = game_certify(out, &s->progress, s->team, error);
    else if (is_known && !certificate) game_uncertify(out);
    if (status == DUR_OK && out->verdict == GAME_INTERRUPTED) status = DUR_INTERRUPTED;
    // what was kept already, and has no more than that now, is not kept again
    if (status == DUR_OK && (!is_known || lacks)) keep_save_game(s, name, out);
    drop_answered(out);
    if (status == DUR_OK) return DUR_OK;
    game_free(out);
    return status == DUR_INTERRUPTED ? status_fail(error, status, "interrupted while solving; nothing was written") : status;
}

// the list itself: kept, or made and kept
static DurStatus list_others(DurScenario *s, const double *given, int64_t n_value, const GameOptions *options, DurError *error) {
    Session *now = &s->session;
    char name[KEEP_GAME_NAME];
    GameOptions from = *options;
    from.warm = given;
    keep_game_name(s, &from, name);
    size_t n = strlen(name);
    if (n) snprintf(name + n, sizeof name - n, " and others, %d starts", now->n_start);
    // where a game in rounds was not solved it is not known here how many values there are
    bool keeps = given || s->model->clock != CLOCK_ROUNDS;
    if (keeps && keep_load_equilibria(s, name, n_value, &now->others)) return DUR_OK;
    TRY(game_starts(&now->others, now->lattice, given, now->n_start, options, s->team, error));
    if (keeps) keep_save_equilibria(s, name, n_value, &now->others);
    return DUR_OK;
}

// everything else that solves the game, the one at hand first if it does
static DurStatus find_others(DurScenario *s, DurError *error) {
    Session *now = &s->session;
    if (now->has_others) return DUR_OK;
    const GameSolution *g = &now->equilibrium;
    // room for as many equilibria as a scenario of this kind was ever seen to have
    TRY(refuse_bytes((double)now->lattice->n_state, game_starts_bytes(now->lattice, 16, s->team),
                     "looking for other equilibria of a game", error));
    GameOptions options = {.progress = &s->progress};
    if (now->tolerance > 0 && now->tolerance < STARTS_TOLERANCE) options.tolerance = now->tolerance;
    now->has_others = true;
    now->first_is_principal = g->is_principal;
    if (g->verdict != GAME_CONVERGED || s->model->clock != CLOCK_ROUNDS)
        return list_others(s, g->verdict == GAME_CONVERGED ? g->policy->value : NULL, sweep_size(now->lattice), &options, error);
    // in rounds advantages are unknowns of their own
    int64_t n_value = s->model->n_actor * now->lattice->n_state;
    double *given = memory_column(n_value + g->policy->n_entry);
    if (!given) return status_fail(error, DUR_MEMORY, "out of memory");
    memcpy(given, g->policy->value, (size_t)n_value * sizeof *given);
    memcpy(given + n_value, g->policy->advantage, (size_t)g->policy->n_entry * sizeof *given);
    DurStatus status = list_others(s, given, n_value + g->policy->n_entry, &options, error);
    memory_free(given);
    return status;
}

// equilibrium k of a list becomes the session's
static DurStatus take_other(DurScenario *s, int32_t k, const GameEquilibria *list, DurError *error) {
    Session *now = &s->session;
    if (k >= list->n)
        return status_fail(error, DUR_INPUT, "%d %s found from %d starts, so there is no equilibrium %d", list->n,
                           list->n == 1 ? "equilibrium was" : "equilibria were", list->n_start, k + 1);
    if (now->is_solved && list->item[k].is_given) return DUR_OK;
    bool certificate = now->has_certificate;
    if (now->is_solved) game_free(&now->equilibrium);
    now->is_solved = false;
    const double *value = list->item[k].value;
    bool is_rounds = s->model->clock == CLOCK_ROUNDS;
    TRY(solve(s, &now->equilibrium, value, true, is_rounds ? value + s->model->n_actor * now->lattice->n_state : NULL, NULL, certificate,
              error));
    now->is_solved = true;
    if (list->item[k].is_given) return DUR_OK;
    now->equilibrium.is_principal = false;
    snprintf(now->equilibrium.note, sizeof now->equilibrium.note, "equilibrium %d of %d found from %d starts", k + 1,
             list->n, list->n_start);
    return DUR_OK;
}

DurStatus study_equilibrium(DurScenario *s, bool certificate, DurError *error) {
    Session *now = &s->session;
    if (now->is_solved && (now->has_certificate || !certificate)) return DUR_OK;
    TRY(study_lattice(s, error));
    TRY(refuse_bytes((double)now->lattice->n_state, study_bytes(s, 0), "a game", error));

    // solved before without its certificate: plans point into the old solution, so both are made anew
    if (now->is_solved) {
        Session fresh;
        TRY(session_make(&fresh, s->model, now->param, now->n_node, error));
        fresh.coarse = now->coarse;
        fresh.tolerance = now->tolerance;
        fresh.max_sweep = now->max_sweep;
        fresh.n_start = now->n_start;
        fresh.which = now->which;
        fresh.others = now->others;
        fresh.has_others = now->has_others;
        now->has_others = false;
        fresh.lattice = now->lattice;
        now->lattice = NULL;
        session_free(now, s->model);
        *now = fresh;
    }
    double *warm;
    TRY(start_from(&warm, s, now->coarse ? now->coarse->equilibrium.policy : NULL, -1, 0, error));
    if (!warm && is_led(s)) TRY(carry(now, now->coarse->equilibrium.policy, &warm, error));
    DurStatus status = solve(s, &now->equilibrium, warm, warm && !now->coarse->equilibrium.is_principal, NULL, NULL, certificate, error);
    memory_free(warm);
    if (status != DUR_OK) return status;
    now->is_solved = true;
    now->has_certificate = certificate;
    if (now->n_start == 0) return DUR_OK;
    status = find_others(s, error);
    if (status == DUR_OK && now->which > 0) status = take_other(s, now->which - 1, &now->others, error);
    if (status == DUR_OK) return DUR_OK;

    // half a list is no list
    if (now->has_others) game_equilibria_free(&now->others);
    if (now->is_solved) game_free(&now->equilibrium);
    now->has_others = now->is_solved = false;
    return status;
}

DurStatus study_other(DurScenario *s, int32_t k, Session *kept, DurError *error) {
    *kept = s->session;
    Session *now = &s->session;
    DurStatus status = session_make(now, s->model, kept->param, kept->n_node, error);
    if (status != DUR_OK) return status;
    now->tolerance = kept->tolerance;
    now->max_sweep = kept->max_sweep;
    now->lattice = kept->lattice;
    return take_other(s, k, &kept->others, error);
}

void study_return(DurScenario *s, Session *kept) {
    s->session.lattice = NULL;   // lent
    session_free(&s->session, s->model);
    s->session = *kept;
}

// ---- policies as plans ------------------------------------------------------------------------------------------

DurStatus study_unmet(const DurScenario *s, DurError *error) {
    const GameSolution *g = &s->session.equilibrium;
    if (g->verdict == GAME_CONVERGED) return DUR_OK;
    return status_fail(error, DUR_UNMET, "the solve missed its tolerance: residual %.2g, wanted %.2g%s%s",
                       g->certificate.residual, s->session.tolerance > 0 ? s->session.tolerance : GAME_TOLERANCE,
                       g->note[0] ? "; " : "", g->note);
}

static DurStatus refuse_unmet(const GameSolution *g, const char *whose, DurError *error) {
    if (g->verdict == GAME_CONVERGED) return DUR_OK;
    return status_fail(error, DUR_UNMET, "the solve of %s missed its tolerance (residual %.2g%s%s): nothing is "
                       "played or judged on it", whose, g->certificate.residual, g->note[0] ? "; " : "", g->note);
}

// an announced phase is another game; it starts from its own solution on a coarser lattice or at other params, else from the
// values of the one without it, and if that leads nowhere, anew
static DurStatus solve_announced(DurScenario *s, StudyPhase *phase, int32_t policy, int32_t k, const LatticeRule *rule, DurError *error) {
    const GameSolution *base = &s->session.equilibrium;
    const char *name = s->model->policy[policy].name;
    double *warm;
    TRY(start_from(&warm, s, s->session.coarse ? s->session.coarse->phase[policy][k].policy : NULL, policy, k, error));
    const GameSolution *from = warm ? &s->session.coarse->phase[policy][k].solution : base;
    DurStatus status = solve(s, &phase->solution, warm ? warm : base->policy->value, !from->is_principal, NULL, rule, false, error);
    memory_free(warm);
    if (status != DUR_OK) return status;
    if (phase->solution.verdict != GAME_CONVERGED) {
        game_free(&phase->solution);
        TRY(solve(s, &phase->solution, NULL, false, NULL, rule, false, error));
    }
    phase->is_solved = true;
    phase->policy = phase->solution.policy;
    char whose[256];
    snprintf(whose, sizeof whose, "policy %s", name);
    return refuse_unmet(&phase->solution, whose, error);
}

// do two phases restrict the same actor in the same way? When they begin, and what modes they set, is another matter
static bool is_same_rule(const ModelPhase *a, const ModelPhase *b) {
    if (a->n_never != b->n_never || a->n_always != b->n_always || a->precision != b->precision) return false;
    for (int32_t i = 0; i < a->n_never; i++)
        if (a->never[i] != b->never[i]) return false;
    for (int32_t i = 0; i < a->n_always; i++)
        if (a->always[i].jump != b->always[i].jump || a->always[i].when != b->always[i].when) return false;
    return true;
}

// a phase that is ready and says the same; NULL if there is none
static const StudyPhase *find_same(const DurScenario *s, int32_t p, int32_t k) {
    const ModelPolicy *mine = &s->model->policy[p];
    for (int32_t o = 0; o < s->model->n_policy; o++) {
        const ModelPolicy *other = &s->model->policy[o];
        if (other->actor != mine->actor || other->is_announced != mine->is_announced) continue;
        for (int32_t i = 0; i < other->n_phase; i++)
            if (s->session.phase[o][i].is_ready && is_same_rule(&mine->phase[k], &other->phase[i])) return &s->session.phase[o][i];
    }
    return NULL;
}

static DurStatus ready_phase(DurScenario *s, int32_t p, int32_t k, DurError *error) {
    Session *now = &s->session;
    const ModelPolicy *policy = &s->model->policy[p];
    const ModelPhase *said = &policy->phase[k];
    StudyPhase *phase = &now->phase[p][k];
    if (phase->is_ready) return DUR_OK;

    // two policies may ask for the same restriction, and a game is solved once
    const StudyPhase *same = find_same(s, p, k);
    if (same) {
        phase->policy = same->policy;
        phase->is_ready = true;
        return DUR_OK;
    }

    // a phase that only sets modes leaves everyone's rule as it is
    if (said->n_never == 0 && said->n_always == 0 && said->precision == PROGRAM_NONE) {
        phase->policy = now->equilibrium.policy;
        phase->is_ready = true;
        return DUR_OK;
    }
    double n_byte = policy->is_announced ? game_bytes(now->lattice) : policy_bytes(now->lattice);
    TRY(refuse_bytes((double)now->lattice->n_state, n_byte, "a policy of a game", error));
    LatticeRule rule = {0};
    TRY(lattice_rule_make(&rule, now->lattice, policy->actor, said, error));
    DurStatus status;
    if (policy->is_announced) {
        status = solve_announced(s, phase, p, k, &rule, error);
    } else {
        status = game_surprise(&phase->surprise, now->equilibrium.policy, &rule, error);
        phase->policy = phase->surprise;
    }
    lattice_rule_free(&rule);
    if (status != DUR_OK && phase->is_solved) {
        game_free(&phase->solution);
        phase->is_solved = false;
    }
    phase->is_ready = status == DUR_OK;
    return status;
}

DurStatus study_plan(DurScenario *s, int32_t policy, const Plan **out, DurError *error) {
    *out = NULL;
    TRY(study_equilibrium(s, false, error));
    Session *now = &s->session;
    TRY(refuse_unmet(&now->equilibrium, "the game", error));
    Plan **slot = &now->plan[policy < 0 ? 0 : 1 + policy];
    if (*slot) {
        *out = *slot;
        return DUR_OK;
    }

    int32_t n_phase = policy < 0 ? 0 : s->model->policy[policy].n_phase;
    const char *label = s->label;
    s->label = policy < 0 ? NULL : s->model->policy[policy].name;
    DurStatus status = DUR_OK;
    for (int32_t k = 0; k < n_phase && status == DUR_OK; k++) status = ready_phase(s, policy, k, error);
    s->label = label;
    if (status != DUR_OK) return status;

    Plan *plan = memory_zeroed(1, sizeof *plan);
    PlanStep *step = memory_zeroed((size_t)n_phase + 1, sizeof *step);
    if (!plan || !step) {
        memory_free(plan);
        memory_free(step);
        return status_fail(error, DUR_MEMORY, "out of memory");
    }
    plan->step = step;
    // until the first phase starts everyone plays the equilibrium
    if (n_phase == 0 || s->model->policy[policy].phase[0].start > 0)
        step[plan->n_step++] = (PlanStep){.start = 0, .policy = now->equilibrium.policy};
    for (int32_t k = 0; k < n_phase; k++) {
        const ModelPhase *said = &s->model->policy[policy].phase[k];
        step[plan->n_step++] = (PlanStep){.start = said->start, .policy = now->phase[policy][k].policy,
                                          .n_set = said->n_set, .set = said->set};
    }
    *slot = plan;
    *out = plan;
    return DUR_OK;
}

double study_horizon(const DurScenario *s) {
    const Model *m = s->model;
    if (m->horizon > 0) return m->horizon;
    double last = 0;
    for (int32_t q = 0; q < m->n_quantity; q++) {
        const ModelQuantity *asked = &m->quantity[q];
        if (asked->kind != QUANTITY_LONG_RUN && isfinite(asked->to)) last = fmax(last, asked->to);
    }
    if (last > 0) return last;
    for (int32_t a = 0; a < m->n_actor; a++) {
        // a discount is the patience that it comes from
        bool is_given = m->actor[a].discount != PROGRAM_NONE;
        double given = eval_state(m, is_given ? m->actor[a].discount : m->actor[a].patience, NULL, s->session.param, NULL, NULL);
        double patience = !is_given ? given : given > 0 ? -1 / log(given) : 0;
        if (isfinite(patience)) last = fmax(last, 5 * patience);
    }
    return last > 0 ? last : 1;
}
