/// The scenario and its rivals side by side: what each account says of every claim.
#ifndef STUDY_RIVALS_H
#define STUDY_RIVALS_H

#include "study/render.h"

/// One account: the scenario as it stands (the first), or one of its rivals.
typedef struct Account {
    int32_t   rival;           // of the model; -1: the scenario as it stands
    DurStatus status;          // not DUR_OK: it could not be judged, and `why` says so
    char      why[256];
    ClaimAnswers answers;      // n 0 where it could not be judged
} Account;

typedef struct Accounts {
    int32_t  n, n_claim;       // n: 1 + rivals
    Account *item;             // [n], owned
} Accounts;

/// Judge every claim in every account. A rival that cannot be solved is noted and the others go on. DUR_INPUT if the
/// scenario has no rival or no claim, or is itself a rival's. What an account judged by runs and runs may have missed is told in
/// `faults` (warn_unseen). On any return accounts_free is due.
DurStatus accounts_judge(Accounts *out, DurScenario *s, const DurOptions *options, Text *faults, DurError *error);
void      accounts_free(Accounts *accounts);

/// Do two accounts that were judged give a claim (of those judged) different verdicts?
bool accounts_differ(const Accounts *a, int32_t claim);
/// The only account whose verdict on a claim is its own while all others that were judged agree; -1 if there is none.
int32_t accounts_alone(const Accounts *a, int32_t claim);

/// "as_written", or the rival's name.
const char *account_name(const Model *model, const Account *account);

/// "accounts": [...], "apart": [...]. Inside an object.
void render_accounts(Json *j, const DurScenario *s, const Accounts *a);
void put_accounts(Text *out, const DurScenario *s, const Accounts *a);

#endif
