/// Trees: how tightly operators hold, where clauses end, what every declaration says; and printing, the way back.
#include "front.h"

// ---- expressions -------------------------------------------------------------------------------------------------

static AstExpr *query(Front *f, const char *text) {
    AstExpr *e;
    CHECK_OK(parse_query(&f->c, &f->ast, text, &e));
    if (f->c.diagnostics.n_error) {
        Text faults = {0};
        diagnostics_print(&f->c.diagnostics, f->c.file, f->c.n_file, &faults);
        fail_msg("%s\n%s", text, text_view(&faults));
    }
    CHECK(e != NULL);
    return e;
}

TEST(operators_hold_as_tightly_as_a_reader_expects) {
    // left as written, right with every bracket that is meant; brackets of one's own don't count in the comparison
    static const char *const same[][2] = {
        {"a + b*c", "a + (b*c)"},
        {"a - b - c", "(a - b) - c"},
        {"a/b*c", "(a/b)*c"},
        {"-a*b", "(-a)*b"},
        {"-a^2", "-(a^2)"},
        {"a^b^c", "a^(b^c)"},
        {"a^-b", "a^(-b)"},
        {"2^-x^2", "2^(-(x^2))"},
        {"a*-b", "a*(-b)"},
        {"a - -b", "a - (-b)"},
        {"- -a", "-(-a)"},
        {"a + b < c*d", "(a + b) < (c*d)"},
        {"not a == b", "not (a == b)"},
        {"not a and b", "(not a) and b"},
        {"not not a", "not (not a)"},
        {"a or b and c", "a or (b and c)"},
        {"a and b or c and d", "(a and b) or (c and d)"},
        {"a == b and c != d", "(a == b) and (c != d)"},
        {"if a or b then c + d else e + f", "if (a or b) then (c + d) else (e + f)"},
        {"1 + if a then b else c + d", "1 + (if a then b else (c + d))"},
        {"if a then b else if c then d else e", "if a then b else (if c then d else e)"},
        {"0.1*x per month", "(0.1*x) per month"},
        {"a + b per month", "(a + b) per month"},
        {"2 per month + 1 per year", "(2 per month) + (1 per year)"},
        {"2 per month - x*3 per year - 1 per day", "((2 per month) - ((x*3) per year)) - (1 per day)"},
        {"x > 2 per month", "x > (2 per month)"},
        {"[a == b]*c", "([(a == b)])*c"},
        {"by m { u a + b, v c }*d", "(by m { u (a + b), v (c) })*d"},
        {"-by m { u 1 } + 2", "(-(by m { u 1 })) + 2"},
        {"P(a == b until c or d within 2*3 month after 1 month | p)",
         "P((a == b) until (c or d) within (2*(3 month)) after (1 month) | p)"},
        {"2*E(a at 3 month) > E(mean b + c over 2 month)", "(2*(E((a) at (3 month)))) > (E(mean (b + c) over (2 month)))"},
    };
    for (size_t i = 0; i < DUR_COUNT(same); i++) {
        Front f;
        front_parse(&f, "unit a", 6);
        AstExpr *a = query(&f, same[i][0]), *b = query(&f, same[i][1]);
        if (!ast_same_expression(a, b)) fail_msg("`%s` is not read as `%s`", same[i][0], same[i][1]);
        front_free(&f);
    }
    // and the comparison can tell trees apart
    static const char *const other[][2] = {
        {"a - b - c", "a - (b - c)"}, {"a + b", "b + a"}, {"-a^2", "(-a)^2"}, {"not a and b", "not (a and b)"},
        {"1", "1.5"}, {"3 month", "3 year"}, {"max(a, b)", "max(a)"}, {"by m { u 1 }", "by n { u 1 }"},
        {"E(a at 1)", "P(a at 1)"}, {"E(mean a over 1)", "E(mean a over 1 after 2)"},
        {"P(a until b)", "P(a until c)"}, {"E(count(a) over 1)", "E(count(b) over 1)"},
        {"P(a until b)", "P(a until b within 1)"}, {"E(a at 1)", "E(a at 1 | p)"}, {"E(mean a over 1)", "E(total a over 1)"},
        {"one_of { 1, 2 }", "one_of { 1: 1, 2: 1 }"}, {"2025-01-20", "2025-01-21"}, {"a per month", "a per year"},
    };
    for (size_t i = 0; i < DUR_COUNT(other); i++) {
        Front f;
        front_parse(&f, "unit a", 6);
        CHECK(!ast_same_expression(query(&f, other[i][0]), query(&f, other[i][1])));
        front_free(&f);
    }
}

TEST(expressions_print_in_one_way) {
    static const char *const print[][2] = {
        {"0.03*collusion * ( 1-power )+0.002-power*by crackdown{lax 0,show 0.012,}",
         "0.03*collusion*(1 - power) + 0.002 - power * by crackdown { lax 0, show 0.012 }"},
        {"E( power at 24 month|hold )", "E(power at 24 month | hold)"},
        {"P(x==y within 12 month after 6 month|relax)>=0.7", "P(x == y within 12 month after 6 month | relax) >= 0.7"},
        {"E(count( hand_over )over 12 month)", "E(count(hand_over) over 12 month)"},
        {"E(x in the long run)", "E(x in the long run)"},
        {"E(max x+1 over 3 month)", "E(max x + 1 over 3 month)"},
        {"E(max(x)over 3 month)", "E(max(x) over 3 month)"},
        {"P(a until b)", "P(a until b)"},
        {"2*E(x at 1)", "2 * E(x at 1)"},
        {"2*-x", "2 * -x"},
        {"2^-x", "2^-x"},
        {"by m {u 1}*3", "by m { u 1 } * 3"},
        {"x*(if a then b else c)", "x*(if a then b else c)"},
        {"belief( a  is  t )", "belief(a is t)"},
        {"one_of{1:2,3:4}", "one_of { 1: 2, 3: 4 }"},
        {"((x))", "(x)"},
        {"25%*x", "25%*x"},
        {"f()", "f()"},
        {"not(a and b)", "not (a and b)"},
    };
    for (size_t i = 0; i < DUR_COUNT(print); i++) {
        Front f;
        front_parse(&f, "unit a", 6);
        Text text = {0};
        ast_print_expression(&text, query(&f, print[i][0]));
        assert_string_equal(text_view(&text), print[i][1]);
        text_free(&text);
        front_free(&f);
    }
}

// a random expression of the language, at random with brackets that are not needed
static uint32_t random_state;
static uint32_t random_below(uint32_t n) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static void random_expression(Text *out, int depth, bool in_quantity) {
    static const char *const leaf[] = {"x", "y_2", "3", "0.25", "1e-3", "25%", "6 month", "2025-01-20", "f(x)", "[x > 1]"};
    static const char *const two[] = {"+", "-", "*", "/", "^", "and", "or"};
    static const char *const compare[] = {"==", "!=", "<", "<=", ">", ">="};
    if (depth == 0) {
        text_append(out, leaf[random_below(DUR_COUNT(leaf))]);
        return;
    }
    switch (random_below(14)) {
    case 0: case 1: case 2: case 3:
        random_expression(out, depth - 1, in_quantity);
        text_printf(out, " %s ", two[random_below(DUR_COUNT(two))]);
        // brackets keep `not` and comparisons out of places where they can't stand bare
        text_append(out, "(");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, ")");
        break;
    case 4:
        text_append(out, "(");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, ")");
        break;
    case 5:
        text_append(out, "-(");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, ")");
        break;
    case 6:
        text_append(out, "(not (");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, "))");
        break;
    case 7:
        text_append(out, "((");
        random_expression(out, depth - 1, in_quantity);
        text_printf(out, ") %s (", compare[random_below(DUR_COUNT(compare))]);
        random_expression(out, depth - 1, in_quantity);
        text_append(out, "))");
        break;
    case 8:
        text_append(out, "if ");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, " then ");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, " else ");
        random_expression(out, depth - 1, in_quantity);
        break;
    case 9:
        text_append(out, "by m { u ");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, ", v ");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, " }");
        break;
    case 10:
        text_append(out, "max(");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, ", ");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, ")");
        break;
    case 11:
        text_append(out, "((");
        random_expression(out, depth - 1, in_quantity);
        text_append(out, ") per month)");
        break;
    default:
        if (in_quantity) {
            text_append(out, "x");
            break;
        }
        static const char *const head[] = {"P(", "E(", "E(mean ", "E(total ", "E(max "};
        static const char *const tail[] = {" throughout 3 month after 2 month", " at 3", " over 3 month | p", " over 4",
                                           " over 5 year"};
        uint32_t k = random_below(DUR_COUNT(head));
        text_printf(out, "%s(", head[k]);
        random_expression(out, depth - 1, true);
        text_printf(out, ")%s)", tail[k]);
        break;
    }
}

TEST(what_is_printed_reads_back_as_the_same_tree) {
    random_state = 7;
    for (int round = 0; round < 20000; round++) {
        Text text = {0}, print = {0}, again = {0};
        random_expression(&text, 1 + (int)random_below(5), false);
        Front f;
        front_parse(&f, "unit a", 6);
        AstExpr *a = query(&f, text_view(&text));
        ast_print_expression(&print, a);
        AstExpr *b = query(&f, text_view(&print));
        ast_print_expression(&again, b);
        if (!ast_same_expression(a, b)) fail_msg("%s\nprints as\n%s", text_view(&text), text_view(&print));
        assert_string_equal(text_view(&print), text_view(&again));
        text_free(&text);
        text_free(&print);
        text_free(&again);
        front_free(&f);
    }
}

// forget which brackets were written
static void strip(AstExpr *e) {
    if (!e) return;
    e->parenthesised = false;
    strip(e->a);
    strip(e->b);
    strip(e->c);
    for (int32_t i = 0; i < e->n_arg; i++) strip(e->arg[i]);
    for (int32_t i = 0; i < e->n_arm; i++) strip(e->arm[i].expr);
    if (!e->quantity) return;
    strip(e->quantity->x);
    strip(e->quantity->until);
    strip(e->quantity->time);
    strip(e->quantity->after);
}

TEST(brackets_that_the_tree_needs_are_printed_and_no_others_at_sums) {
    random_state = 11;
    for (int round = 0; round < 20000; round++) {
        Text text = {0}, print = {0};
        random_expression(&text, 1 + (int)random_below(5), false);
        Front f;
        front_parse(&f, "unit a", 6);
        AstExpr *a = query(&f, text_view(&text));
        strip(a);
        ast_print_expression(&print, a);
        AstExpr *b = query(&f, text_view(&print));
        if (!ast_same_expression(a, b)) fail_msg("%s\nprints as\n%s", text_view(&text), text_view(&print));
        text_free(&text);
        text_free(&print);
        front_free(&f);
    }
    static const char *const least[][2] = {
        {"(a*b) + (c/d) - (e^f)", "a*b + c/d - e^f"}, {"(a - b) - c", "a - b - c"}, {"a - (b - c)", "a - (b - c)"},
        {"(a^b)^c", "(a^b)^c"}, {"a^(b^c)", "a^b^c"}, {"(-a)^2", "(-a)^2"}, {"(a or b) and (c or d)", "(a or b) and (c or d)"},
        {"not (a and b)", "not (a and b)"}, {"not (a == b)", "not a == b"},
        {"E(max ((a + b)*c) over 1)", "E(max ((a + b)*c) over 1)"},
    };
    for (size_t i = 0; i < DUR_COUNT(least); i++) {
        Text print = {0};
        Front f;
        front_parse(&f, "unit a", 6);
        AstExpr *e = query(&f, least[i][0]);
        strip(e);
        ast_print_expression(&print, e);
        assert_string_equal(text_view(&print), least[i][1]);
        text_free(&print);
        front_free(&f);
    }
}

TEST(an_operator_bears_its_own_place) {
    Front f;
    front_parse_well(&f, "let x = alpha +\n  beta*by m { u 1,\n v 2 }");
    const AstExpr *sum = f.ast.declaration[0]->as.let.value;
    assert_int_equal(sum->kind, AST_ADD);
    assert_int_equal(sum->name.span.line, 1);
    assert_int_equal(sum->name.span.column, 15);
    assert_int_equal(sum->span.column, 9);
    assert_int_equal(sum->span.length, 7);      // up to the end of its first line
    assert_int_equal(sum->b->span.line, 2);
    assert_int_equal(sum->b->span.column, 3);
    assert_int_equal(sum->b->b->arm[1].value.span.line, 3);
    front_free(&f);
}

// ---- where clauses end -------------------------------------------------------------------------------------------

// two texts of one tree
static void check_same(const char *a, const char *b) {
    Front x, y;
    front_parse_well(&x, a);
    front_parse_well(&y, b);
    assert_int_equal(x.ast.n_declaration, y.ast.n_declaration);
    for (int i = 0; i < x.ast.n_declaration; i++)
        if (!ast_same_declaration(x.ast.declaration[i], y.ast.declaration[i])) fail_msg("%s\nis not\n%s", a, b);
    front_free(&x);
    front_free(&y);
}

TEST(a_clause_ends_with_its_line_unless_it_plainly_goes_on) {
    check_same("stock s { start 1\n  + 2\n  drift 3 -\n 4\n noise max(1,\n 2) }",
               "stock s { start 1 + 2  drift 3 - 4  noise max(1, 2) }");
    check_same("let x = a\n - b\n * c\n and d", "let x = a - b*c and d");
    check_same("payoff a {\n u\n -1\n v 2 }", "payoff a { u -1; v 2 }");
    check_same("payoff a { u x\n - y\n v 2 }", "payoff a { u x - y; v 2 }");
    check_same("move m of a { then x = 1,\n y = 2; cost\n -3 }", "move m of a { then x = 1, y = 2  cost -3 }");
    check_same("stock s { range 0..1 grid 6 start 0.4 }", "stock s\n{\nrange 0..1;\n;grid 6\n\nstart 0.4\n}\n");
    check_same("let x = f\nlet y = (3)", "let x = f; let y = (3)");
    check_same("policy p of a { never x,\n y\n from 3: m = u,\n n = v }",
               "policy p of a { never x, y from 3: m = u, n = v }");
}

TEST(clauses_share_a_line_where_the_second_starts_with_a_keyword) {
    check_same("param p = 6 { prior lognormal(log(6), 0.4) per month cite s:8 \"d\" }",
               "param p = 6 per month prior lognormal(log(6), 0.4) cite s:8 \"d\"");
    check_same("let x = 3 cite a:1", "let x = 3 { cite a:1 }");
    check_same("mode m of a { u, v } cite s:1", "mode m of a { u, v, } { cite s:1 }");
    check_same("claim c { cite s:1\n E(x at 1) > 2 }", "claim c { E(x at 1) > 2  cite s:1 }");
    check_same("unit a unit b", "unit a\nunit b");
}

TEST(names_may_be_spelled_like_keywords_where_that_is_plain) {
    Front f;
    front_parse_well(&f, "stock cost { range 0..1  start rate  drift noise*start - range }\n"
                         "mode mode of policy { private, record, claim }\n"
                         "payoff event { cost 1; record 2\n  move x*3\n  table f(x)*2\n  param x }\n"
                         "scenario \"not indented\" {\nclock continuous\nunit month\n}\n"
                         "param E = 3\nlet P = E*2\nlet the = P - E");
    assert_int_equal(f.ast.n_declaration, 7);
    assert_int_equal(f.ast.declaration[2]->as.payoff.n_term, 5);
    assert_int_equal(f.ast.declaration[0]->as.stock.drift->kind, AST_SUBTRACT);
    front_free(&f);
}

// ---- declarations ------------------------------------------------------------------------------------------------

TEST(every_declaration_says_what_was_written) {
    Front f;
    front_parse_well(&f,
        "scenario \"t\" { clock rounds  unit month  from 2025-01-20  until 2030-01-20  choice taste  order a then b }\n"
        "source s \"what\" { file \"f\" sha256 \"00\" url \"u\" date 2024-02-29 }\n"
        "actor a \"an actor\" { patience 20 month  precision x  attends 2 per month  cite s:1, s:2b }\n"
        "private r of a { u, v } { belief 0.2, 0.8  grid 5  becomes u at 0.1  becomes v at 0.2 per year }\n"
        "mode m of nature { u, v, w }\n"
        "stock k \"a \\\"stock\\\" \\\\\" { range -1..1  grid 3  start 0  drift x  noise 0.1  change y  unit kg }\n"
        "param p = -3 { prior normal(0, 1)  per year  unit kg  \"later\" }\n"
        "let l = x + 1\n"
        "table t(z) { 0: 1, 10: -3 }\n"
        "event e { when c  rate 2 per month  then k -= normal(0, 1), m = u  pays a 3  pays b -x }\n"
        "event e2 { chance 0.5 }\n"
        "event e3 { at 2025-06-30 }\n"
        "move v of a \"d\" { when c  cost 1  pays b 2  secret  then k *= 2, k += 1 }\n"
        "payoff a \"why\" { one x  cite s:3\n two -y\n cite s:4 }\n"
        "policy o \"d\" of a { never v  from 6 month: m = u, n = w  always v when k > 1, v2  precision 3  surprise }\n"
        "record g { file \"g.csv\"  date day  value \"no of\"  per week  observes x  noise negative_binomial(2) }\n"
        "claim q \"d\" { E(k at 1) > 2  confidence 0.95 }\n"
        "rival n \"d\" { param p = 4\n let l = 2\n payoff a { one 3 }\n policy o of a { announced } }\n"
        "unit kg \"a kilogram\"\n");
    AstDeclaration **d = f.ast.declaration;
    assert_int_equal(f.ast.n_declaration, 19);
    for (int i = 0; i < 19; i++) CHECK(!d[i]->has_fault);

    const AstScenario *scenario = &d[0]->as.scenario;
    assert_string_equal(d[0]->text.text, "t");
    assert_string_equal(scenario->clock.text, "rounds");
    assert_string_equal(scenario->choice.text, "taste");
    assert_int_equal(scenario->from.year, 2025);
    assert_int_equal(scenario->until.year, 2030);
    assert_int_equal(scenario->n_order, 2);
    assert_string_equal(scenario->order[1].text, "b");

    assert_string_equal(d[1]->as.source.sha256.text, "00");
    assert_int_equal(d[1]->as.source.date.day, 29);

    assert_int_equal(d[2]->as.actor.patience->kind, AST_MEASURE);
    assert_string_equal(d[2]->as.actor.patience->name.text, "month");
    assert_int_equal(d[2]->as.actor.attends->kind, AST_PER);
    assert_int_equal(d[2]->n_cite, 2);
    assert_string_equal(d[2]->cite[1].locator, "2b");

    const AstPrivate *private = &d[3]->as.private;
    assert_string_equal(d[3]->of.text, "a");
    assert_int_equal(private->n_type, 2);
    assert_int_equal(private->n_belief, 2);
    assert_int_equal(private->n_becomes, 2);
    assert_int_equal(private->becomes[1].rate->kind, AST_PER);

    assert_string_equal(d[4]->of.text, "nature");
    assert_int_equal(d[4]->as.mode.n_value, 3);

    const AstStock *stock = &d[5]->as.stock;
    assert_string_equal(d[5]->text.text, "a \"stock\" \\");
    assert_int_equal(stock->low->kind, AST_NEGATE);
    CHECK_SAME(stock->high->number, 1.0);
    CHECK(stock->grid && stock->start && stock->drift && stock->noise && stock->change);
    assert_string_equal(stock->unit.text, "kg");

    const AstParam *param = &d[6]->as.param;
    assert_int_equal(param->value->kind, AST_NEGATE);
    assert_string_equal(param->prior->name.text, "normal");
    assert_string_equal(param->per.text, "year");
    assert_string_equal(d[6]->text.text, "later");

    assert_int_equal(d[7]->as.let.value->kind, AST_ADD);
    assert_string_equal(d[8]->as.table.argument.text, "z");
    assert_int_equal(d[8]->as.table.n_point, 2);

    const AstJump *event = &d[9]->as.jump;
    assert_int_equal(event->rate->kind, AST_PER);
    assert_int_equal(event->n_effect, 2);
    assert_int_equal(event->effect[0].assign, AST_SET_SUBTRACT);
    assert_int_equal(event->effect[1].assign, AST_SET);
    assert_int_equal(event->n_pays, 2);
    CHECK(d[10]->as.jump.chance);
    assert_int_equal(d[11]->as.jump.at->date.month, 6);

    const AstJump *move = &d[12]->as.jump;
    CHECK(move->when && move->cost && move->secret.line > 0);
    assert_int_equal(move->effect[0].assign, AST_SET_MULTIPLY);
    assert_int_equal(move->effect[1].assign, AST_SET_ADD);

    // a citation on a term's line is the term's, one on its own line the declaration's
    assert_string_equal(d[13]->name.text, "a");
    assert_int_equal(d[13]->as.payoff.n_term, 2);
    assert_int_equal(d[13]->as.payoff.term[0].n_cite, 1);
    assert_string_equal(d[13]->cite[0].locator, "4");

    const AstPolicy *policy = &d[14]->as.policy;
    assert_int_equal(policy->n_phase, 2);
    CHECK(!policy->phase[0].from && policy->phase[1].from);
    assert_int_equal(policy->phase[0].n_never, 1);
    assert_int_equal(policy->phase[1].n_set, 2);
    assert_int_equal(policy->phase[1].n_always, 2);
    CHECK(policy->phase[1].always[0].when && !policy->phase[1].always[1].when && policy->phase[1].precision);
    assert_string_equal(policy->announced.text, "surprise");

    assert_string_equal(d[15]->as.record.value.text, "no of");
    assert_string_equal(d[15]->as.record.date.text, "day");
    assert_int_equal(d[15]->as.record.noise->n_arg, 1);

    assert_int_equal(d[16]->as.claim.comparison->kind, AST_GREATER);
    CHECK_SAME(d[16]->as.claim.confidence->number, 0.95);
    assert_int_equal(d[17]->as.rival.n_declaration, 4);
    assert_string_equal(d[18]->text.text, "a kilogram");
    front_free(&f);
}

TEST(a_number_takes_a_unit_only_from_its_own_line) {
    Front f;
    front_parse_well(&f, "payoff a {\n u 3\n v 4 }\nactor b { patience 20 month precision 4 }\n"
                         "param p = 5 kg { }\nlet l = 6 kg");
    assert_int_equal(f.ast.declaration[0]->as.payoff.n_term, 2);
    assert_int_equal(f.ast.declaration[0]->as.payoff.term[0].value->kind, AST_NUMBER);
    assert_int_equal(f.ast.declaration[1]->as.actor.precision->kind, AST_NUMBER);
    assert_string_equal(f.ast.declaration[2]->as.param.value->name.text, "kg");
    assert_string_equal(f.ast.declaration[3]->as.let.value->name.text, "kg");
    front_free(&f);
}

TEST(after_a_fault_the_rest_is_read_and_marked) {
    static const char text[] = "stock a { range 0..1  drift 1 + }\nlet b = 3\nstok c { range 0..2 }\nwhat is this\n";
    Front f;
    front_parse(&f, text, strlen(text));
    assert_int_equal(f.c.diagnostics.n_error, 3);
    assert_int_equal(f.ast.n_declaration, 3);
    CHECK(f.ast.declaration[0]->has_fault && !f.ast.declaration[1]->has_fault && f.ast.declaration[2]->has_fault);
    CHECK(f.ast.declaration[0]->as.stock.high != NULL);
    assert_int_equal(f.ast.declaration[0]->as.stock.drift->kind, AST_ERROR);
    assert_int_equal(f.ast.declaration[2]->kind, AST_STOCK_DECLARATION);
    assert_string_equal(f.ast.declaration[2]->name.text, "c");
    CHECK(f.ast.is_partial);
    front_free(&f);
}

TEST(what_is_said_first_stands_where_something_is_said_twice) {
    static const char text[] = "stock a \"first\" { \"second\"\n range 0..1  range 5..6  start 1\n start 2 }\n"
                               "policy p of b { precision 1  precision 2  surprise  announced }\n";
    Front f;
    front_parse(&f, text, strlen(text));
    assert_int_equal(f.c.diagnostics.n_error, 5);
    const AstDeclaration *stock = f.ast.declaration[0], *policy = f.ast.declaration[1];
    assert_string_equal(stock->text.text, "first");
    CHECK_SAME(stock->as.stock.high->number, 1.0);
    CHECK_SAME(stock->as.stock.start->number, 1.0);
    CHECK_SAME(policy->as.policy.phase[0].precision->number, 1.0);
    assert_string_equal(policy->as.policy.announced.text, "surprise");
    front_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(operators_hold_as_tightly_as_a_reader_expects), RUN(expressions_print_in_one_way),
        RUN(what_is_printed_reads_back_as_the_same_tree),
        RUN(brackets_that_the_tree_needs_are_printed_and_no_others_at_sums), RUN(an_operator_bears_its_own_place),
        RUN(a_clause_ends_with_its_line_unless_it_plainly_goes_on),
        RUN(clauses_share_a_line_where_the_second_starts_with_a_keyword),
        RUN(names_may_be_spelled_like_keywords_where_that_is_plain), RUN(every_declaration_says_what_was_written),
        RUN(a_number_takes_a_unit_only_from_its_own_line), RUN(after_a_fault_the_rest_is_read_and_marked),
        RUN(what_is_said_first_stands_where_something_is_said_twice),
    };
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
