/// Paths as frames, for files and pages.
#include "sim/sim.h"

static const char *const QUANTILE_NAME[SIM_QUANTILES] = {"q05", "q25", "q50", "q75", "q95"};

Frame *sim_stock_frame(const SimPaths *p, const Model *m, const char *policy) {
    enum { POLICY, VARIABLE, TIME, DATE };
    Frame *f = frame_make("series", (int64_t)p->n_stock * p->n_time);
    if (!f) return NULL;
    double *time = NULL, *mean = NULL, *quantile[SIM_QUANTILES] = {0};
    bool made = frame_add_text(f, "policy") && frame_add_text(f, "variable")
             && (time = frame_add_number(f, "time", m->unit)) && frame_add_text(f, "date")
             && (mean = frame_add_number(f, "mean", NULL));
    for (int q = 0; made && q < SIM_QUANTILES; q++)
        made = (quantile[q] = frame_add_number(f, QUANTILE_NAME[q], NULL)) != NULL;

    char date[16];
    for (int64_t row = 0; made && row < f->n_row; row++) {
        int32_t k = (int32_t)(row / p->n_time), t = (int32_t)(row % p->n_time);
        time[row] = p->time[t];
        mean[row] = p->mean[row];
        const double *of_stock = p->quantile + (int64_t)k * SIM_QUANTILES * p->n_time + t;
        for (int q = 0; q < SIM_QUANTILES; q++) quantile[q][row] = of_stock[q * p->n_time];
        made = frame_set_text(f, POLICY, row, policy) && frame_set_text(f, VARIABLE, row, model_variable_name(m, m->n_mode + k))
            && frame_set_text(f, DATE, row, model_date(m, p->time[t], date));
    }
    if (made) return f;
    frame_free(f);
    return NULL;
}

Frame *sim_mode_frame(const SimPaths *p, const Model *m, const char *policy) {
    enum { POLICY, MODE, VALUE, TIME, DATE };
    int64_t n_value = 0;
    for (int32_t i = 0; i < m->n_mode; i++) n_value += m->mode[i].n_value;
    Frame *f = frame_make("mode_series", n_value * p->n_time);
    if (!f) return NULL;
    double *time = NULL, *share = NULL;
    bool made = frame_add_text(f, "policy") && frame_add_text(f, "mode") && frame_add_text(f, "value")
             && (time = frame_add_number(f, "time", m->unit)) && frame_add_text(f, "date")
             && (share = frame_add_number(f, "share", NULL));

    char date[16];
    int64_t row = 0;
    for (int32_t i = 0; i < m->n_mode; i++)
        for (int32_t v = 0; v < m->mode[i].n_value; v++)
            for (int32_t t = 0; made && t < p->n_time; t++, row++) {
                time[row] = p->time[t];
                share[row] = p->share[row];
                made = frame_set_text(f, POLICY, row, policy) && frame_set_text(f, MODE, row, m->mode[i].name)
                    && frame_set_text(f, VALUE, row, m->mode[i].value[v])
                    && frame_set_text(f, DATE, row, model_date(m, p->time[t], date));
            }
    if (made) return f;
    frame_free(f);
    return NULL;
}
