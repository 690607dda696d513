/// Invented reports for the tests: the shape and the length of what a study fills in, none of its meaning.
#ifndef TEST_REPORT_BUNDLE_H
#define TEST_REPORT_BUNDLE_H

#include "report/report.h"

typedef struct Bundle {
    Report report;
    Frame *frame[29];   // owned
    int    n_frame;
} Bundle;

/// A rich one: 2 actors, 12 moves, 6 stocks, 3 modes, `n_policy` (0..6) policies over `n_time` times, claims of each
/// verdict.
void bundle_rich(Bundle *b, int n_policy, int n_time);
/// The smallest: a title, one stock, nothing else.
void bundle_small(Bundle *b);
/// A crowd: `n_stock` stocks and as many moves, all linked.
void bundle_crowd(Bundle *b, int n_stock);
/// Signs that HTML and scripts keep for themselves, broken UTF-8 and a control character, put behind every text of a
/// bundle whose words do not steer the page: its structure should stay as it was.
void bundle_spoil(Bundle *b);
void bundle_free(Bundle *b);

#endif
