/// The scenario by which growth with the lattice is measured and corrections are tested: two actors, four modes, four stocks of so many nodes
/// (four numbers of nodes, by printf). `power` goes up and down with a mode, and hardly at all where it is greatest.
#ifndef TEST_SCALE_CASE_H
#define TEST_SCALE_CASE_H

static const char *const SCALE_CASE =
    "scenario \"scale\" { clock continuous  unit month }\n"
    "actor north { patience 20 month  precision 4  attends 2 per month }\n"
    "actor south { patience 20 month  precision 4  attends 2 per month }\n"
    "mode threat of north { quiet, loud }\n"
    "mode effort of south { low, high }\n"
    "stock power   { range 0..1  grid %d  start 0.5  drift if effort == high then -0.08*power else 0.03*(1 - power) }\n"
    "stock anger   { range 0..1  grid %d  start 0.2  drift 0.06*(1 - anger)*power - 0.1*anger }\n"
    "stock trade   { range 0..1  grid %d  start 0.8  drift if threat == loud then -0.05*trade else 0.04*(1 - trade)  noise 0.03 }\n"
    "stock credit  { range 0..1  grid %d  start 0    drift -0.1*credit + 0.1*(1 - credit)*[effort == high] }\n"
    "event incident { rate 0.1*power per month  then anger += 0.3 }\n"
    "move threaten of north { when threat == quiet  cost 0.1  then threat = loud }\n"
    "move relent   of north { when threat == loud   cost 0.1*(1 - credit)  then threat = quiet }\n"
    "move step_up  of south { when effort == low    cost 0.1  then effort = high }\n"
    "move ease_off of south { when effort == high   then effort = low }\n"
    "move concede  of south { when credit <= 0.5    cost 0.3  then credit += 0.4, anger -= 0.2 }\n"
    "payoff north { harm -1.2*power*(0.3 + anger)\n  cost -0.2*[threat == loud]\n  win 0.6*credit }\n"
    "payoff south { rents power\n  trade -(1 - trade)\n  fear -0.8*anger*[threat == loud]\n  effort -0.25*[effort == high] }\n";

#endif
