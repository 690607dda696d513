#include "../check.h"

#include "base/file.h"
#include "base/memory.h"
#include "bundle.h"
#include "xml.h"

#include <stdlib.h>

static Text page_of(const Bundle *b) {
    Text out = {0};
    DurError error = {0};
    DurStatus status = report_html(&b->report, &out, &error);
    if (status != DUR_OK) fail_msg("%s", error.text);
    return out;
}

static int count(const char *page, const char *what) {
    int n = 0;
    for (const char *s = strstr(page, what); s; s = strstr(s + 1, what)) n++;
    return n;
}

// ---- bundles that every promise is held to ------------------------------------------------------------------------

enum { RICH, ALONE, SIX, SPOILT, SMALL, CROWD, MIDDLE, WILD, EMPTY, BUNDLES };

// values that no simulation should give: out of range, infinite, missing, enormous, constant; and no dates
static void make_wild(Bundle *b) {
    bundle_rich(b, 2, 9);
    for (int f = 0; f < b->n_frame; f++)
        for (int32_t c = 0; c < b->frame[f]->n_column; c++) {
            Column *column = &b->frame[f]->column[c];
            static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 0, -0.0, 1e-300, 7};
            for (int64_t i = 0; i < b->frame[f]->n_row; i++) {
                if (column->kind == COLUMN_NUMBER && strcmp(column->name, "time") != 0)
                    column->number[i] = odd[(i * 7 + c) % (int64_t)(sizeof odd / sizeof *odd)];
                if (strcmp(column->name, "date") == 0) frame_set_text(b->frame[f], c, i, NULL);
            }
        }
}

static void make(Bundle *b, int which) {
    switch (which) {
    case RICH:   bundle_rich(b, 3, 61); break;
    case ALONE:  bundle_rich(b, 0, 61); break;
    case SIX:    bundle_rich(b, 6, 400); break;
    case SPOILT: bundle_rich(b, 3, 61); bundle_spoil(b); break;
    case SMALL:  bundle_small(b); break;
    case CROWD:  bundle_crowd(b, 30); break;
    case MIDDLE: bundle_crowd(b, 20); break;
    case WILD:   make_wild(b); break;
    default:     *b = (Bundle){0}; break;
    }
}

static void for_each_page(void (*claim)(const char *page)) {
    for (int i = 0; i < BUNDLES; i++) {
        Bundle b;
        make(&b, i);
        Text page = page_of(&b);
        claim(text_view(&page));
        text_free(&page);
        bundle_free(&b);
    }
}

// ---- well-formed, whole, and nothing from outside -----------------------------------------------------------------

typedef struct Ids { int n; char id[4096][24]; const char *page; } Ids;
static Ids ids;

static void collect_id(void *context, const XmlTag *tag) {
    (void)context;
    char id[24];
    if (!xml_attribute(tag, "id", id, sizeof id)) return;
    for (int i = 0; i < ids.n; i++)
        if (strcmp(ids.id[i], id) == 0) fail_msg("id %s twice", id);
    CHECK(ids.n < 4096);
    strcpy(ids.id[ids.n++], id);
}

static bool has_id(const char *id) {
    for (int i = 0; i < ids.n; i++)
        if (strcmp(ids.id[i], id) == 0) return true;
    return false;
}

static void check_reference(void *context, const XmlTag *tag) {
    (void)context;
    char value[512];
    if (xml_attribute(tag, "href", value, sizeof value)) {
        if (value[0] == '#') CHECK(has_id(value + 1));
        else CHECK(strncmp(value, "https://", 8) == 0 && strcmp(tag->name, "a") == 0);
    }
    if (strcmp(tag->name, "svg") == 0 && xml_attribute(tag, "aria-labelledby", value, sizeof value)) {
        char *space = strchr(value, ' ');
        CHECK(space != NULL);
        *space = '\0';
        CHECK(has_id(value) && has_id(space + 1));
    }
}

static void claim_well_formed(const char *page) {
    char why[256];
    ids.n = 0;
    if (!xml_read(page, collect_id, NULL, why)) fail_msg("%s", why);
    CHECK(xml_read(page, check_reference, NULL, why));
}

TEST(every_page_is_well_formed_with_ids_that_are_unique_and_references_that_lead_somewhere) {
    for_each_page(claim_well_formed);
}

static void forbid_loads(void *context, const XmlTag *tag) {
    (void)context;
    static const char *const never[] = {"img", "link", "iframe", "object", "embed", "audio", "video", "image", "use",
                                        "form", "base", "foreignObject"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) CHECK(strcmp(tag->name, never[i]) != 0);
    char value[4096];
    CHECK(!xml_attribute(tag, "src", value, sizeof value) && !xml_attribute(tag, "srcset", value, sizeof value));
    CHECK(!xml_attribute(tag, "style", value, sizeof value) && !xml_attribute(tag, "onload", value, sizeof value));
    CHECK(!xml_attribute(tag, "onclick", value, sizeof value));
    CHECK(!xml_attribute(tag, "xlink:href", value, sizeof value));
}

static void claim_self_contained(const char *page) {
    char why[256];
    CHECK(xml_read(page, forbid_loads, NULL, why));
    CHECK(count(page, "url(") == 0 && count(page, "@import") == 0 && count(page, "fetch(") == 0);
    CHECK(count(page, "XMLHttpRequest") == 0 && count(page, "WebSocket") == 0 && count(page, "sendBeacon") == 0);
    CHECK(count(page, "default-src 'none'") == 1);
    CHECK(count(page, "<script>") == 2 && count(page, "<style>") == 1);
    // addresses stand in links that a person follows, and in their words, and nowhere else
    for (const char *s = strstr(page, "http"); s; s = strstr(s + 1, "http"))
        CHECK(strncmp(s, "http-equiv", 10) == 0 || strncmp(s - 6, "href=\"", 6) == 0 || strncmp(s - 2, "\">", 2) == 0);
}

TEST(no_page_loads_anything) { for_each_page(claim_self_contained); }

// ---- drawings stay in their frames --------------------------------------------------------------------------------

typedef struct Frame_ { double width, height; int n_number; } Frame_;

static void check_number(const char *page, double x, double most) {
    if (!(x >= -0.051 && x <= most + 0.051)) fail_msg("%g outside of 0 .. %g near %.80s", x, most, page);
}

static void check_place(void *context, const XmlTag *tag) {
    Frame_ *f = context;
    char value[65536];
    if (strcmp(tag->name, "svg") == 0) {
        CHECK(xml_attribute(tag, "viewBox", value, sizeof value));
        CHECK(sscanf(value, "0 0 %lf %lf", &f->width, &f->height) == 2);
        CHECK(f->width > 0 && f->height > 0 && f->width <= 2000 && f->height <= 4000);
        return;
    }
    static const char *const across[] = {"x", "x1", "x2", "cx"}, *const down[] = {"y", "y1", "y2", "cy"};
    for (int i = 0; i < 4; i++) {
        for (int is_down = 0; is_down < 2; is_down++) {
            if (!xml_attribute(tag, is_down ? down[i] : across[i], value, sizeof value)) continue;
            check_number(tag->start, strtod(value, NULL), is_down ? f->height : f->width);
            f->n_number++;
        }
    }
    if (strcmp(tag->name, "rect") == 0) {
        char x[64], width[64], y[64], height[64];
        CHECK(xml_attribute(tag, "x", x, sizeof x) && xml_attribute(tag, "width", width, sizeof width));
        CHECK(xml_attribute(tag, "y", y, sizeof y) && xml_attribute(tag, "height", height, sizeof height));
        check_number(tag->start, strtod(x, NULL) + strtod(width, NULL), f->width);
        check_number(tag->start, strtod(y, NULL) + strtod(height, NULL), f->height);
    }
    if (strcmp(tag->name, "path") == 0 && xml_attribute(tag, "d", value, sizeof value)) {
        int n = 0;
        for (char *s = value; *s;) {
            char *end;
            double x = strtod(s, &end);
            if (end == s) {
                CHECK(strchr("MLCZ ", *s) != NULL);
                s++;
                continue;
            }
            check_number(tag->start, x, n++ % 2 ? f->height : f->width);
            f->n_number++;
            s = end;
        }
        CHECK(n % 2 == 0);
    }
}

static int numbers_seen;
static void claim_inside(const char *page) {
    Frame_ f = {0};
    char why[256];
    CHECK(xml_read(page, check_place, &f, why));
    numbers_seen += f.n_number;
}

TEST(every_coordinate_lies_in_its_view_box_whatever_the_numbers) {
    numbers_seen = 0;
    for_each_page(claim_inside);
    CHECK(numbers_seen > 100000);
    // and nothing that is no number has come through
    Bundle b;
    make(&b, WILD);
    Text page = page_of(&b);
    const char *body = strstr(text_view(&page), "<main"), *script = strstr(body, "<script>");
    for (const char *s = body; s < script; s++)
        CHECK(strncmp(s, "nan", 3) != 0 && strncmp(s, "\"inf", 4) != 0 && strncmp(s, " inf", 4) != 0);
    text_free(&page);
    bundle_free(&b);
}

// ---- escaping -----------------------------------------------------------------------------------------------------

static void note_tag(void *context, const XmlTag *tag) {
    text_append(context, tag->name);
    text_char(context, '\n');
}

TEST(a_text_full_of_markup_changes_no_element_of_the_page) {
    Bundle clean, spoilt;
    make(&clean, RICH);
    make(&spoilt, SPOILT);
    Text page[2] = {page_of(&clean), page_of(&spoilt)}, tags[2] = {{0}, {0}};
    char why[256];
    for (int i = 0; i < 2; i++)
        if (!xml_read(text_view(&page[i]), note_tag, &tags[i], why)) fail_msg("%s", why);
    // two roads to one structure: with and without the spoiling
    CHECK(tags[0].length > 1000);
    if (strcmp(text_view(&tags[0]), text_view(&tags[1])) != 0) {
        size_t i = 0;
        while (tags[0].data[i] == tags[1].data[i]) i++;
        fail_msg("structures part at %.40s / %.40s", tags[0].data + i, tags[1].data + i);
    }
    CHECK(count(text_view(&page[1]), "<script>alert") == 0);
    CHECK(count(text_view(&page[1]), "&lt;script&gt;alert(&#39;x&#39;)") > 100);
    for (int i = 0; i < 2; i++) {
        text_free(&page[i]);
        text_free(&tags[i]);
    }
    bundle_free(&clean);
    bundle_free(&spoilt);
}

// ---- what it says -------------------------------------------------------------------------------------------------

#define SAYS(page, what) do {                                                                      \
    if (!strstr(text_view(&(page)), what)) fail_msg("the page does not say: %s", what);             \
} while (0)

TEST(the_page_says_what_the_frames_say) {
    Bundle b;
    make(&b, RICH);
    Text page = page_of(&b);
    SAYS(page, "<title>Pressure on a state-cartel alliance</title>");
    SAYS(page, "Of four claims put to it, <b>two hold</b>, <b>one fails</b> and <b>one is undecided</b>.");
    SAYS(page, "Two actors, <b>coercer</b> and <b>government</b>, have eleven levers to move six "
               "stocks and three modes");
    SAYS(page, "10,000 runs of the equilibrium and as many of each of three policies");
    SAYS(page, "Of its 25 parameters, stocks, levers, events and claims, 13 name a source.");
    SAYS(page, "the bar is the interval of their difference, drawn from the right side on");
    // a claim: verdict, sentence, both sides, interval, method, source with locator
    const char *card = strstr(text_view(&page), "reversion</span>");
    const char *end = strstr(card, "</article>");
    static const char *const on_card[] = {
        "P(crackdown == lax within 12 month after 6 month | relax) &gt;= 0.7", "0.7612", ">0.7<", "0.0488", "0.0731",
        "99\xE2\x80\xAF%", "sampled, 8000 runs", "href=\"#source-1\">op_ed:19</a>"};
    for (size_t i = 0; i < sizeof on_card / sizeof *on_card; i++) {
        const char *at = strstr(card, on_card[i]);
        if (!at || at > end) fail_msg("the card does not say: %s", on_card[i]);
    }
    CHECK(count(text_view(&page), "<span class=\"verdict holds\">holds</span> <span class=\"id\">") == 2);
    CHECK(count(text_view(&page), "<span class=\"verdict fails\">fails</span> <span class=\"id\">") == 1);
    CHECK(count(text_view(&page), "<span class=\"verdict undecided\">undecided</span> <span class=\"id\">") == 1);
    // a fan for each stock and policy, one comparison for each stock, an area chart for each mode and policy
    CHECK(count(text_view(&page), "class=\"chart fan\"") == 6 * 4);
    CHECK(count(text_view(&page), "class=\"chart means\"") == 6);
    CHECK(count(text_view(&page), "class=\"chart share\"") == 3 * 4);
    CHECK(count(text_view(&page), "class=\"line reference\"") == 6 * 3);
    SAYS(page, "20\xC2\xA0Jan\xC2\xA0" "2030: median");
    SAYS(page, ">2027</text>");
    // the diagram: five boxes of levers, three of them with one edge, one with three, chance with one
    CHECK(count(text_view(&page), "class=\"node box") == 5);
    CHECK(count(text_view(&page), "class=\"edge changes") == 3 + 3 + 1);
    CHECK(count(text_view(&page), "class=\"edge drives") == 10);      // itself is not drawn
    CHECK(count(text_view(&page), "class=\"edge hastens") == 2);
    // reasons: two waterfalls for each move, its numbers, where minds change, what params do
    CHECK(count(text_view(&page), "class=\"chart waterfall\"") == 3 * 2);
    SAYS(page, "hand_over (chosen 24\xC2\xA0% of the time) is worth 0.42 less than waiting.");
    const char *fall = strstr(text_view(&page), "hand_over against waiting, what pays it");
    CHECK(fall && strstr(fall, ">survival</text>") && strstr(fall, ">+0.3</text>"));       // 0.25 + 0.05
    CHECK(strstr(fall, ">\xE2\x88\x92" "0.42</text>") < strstr(fall, "</svg>"));             // the total
    const char *turn = strstr(text_view(&page), "Where along each stock its mind changes");
    CHECK(turn && strstr(turn, "nowhere in its range") && strstr(turn, ">0.9<"));
    SAYS(page, "0.02*</td>");
    SAYS(page, "<a href=\"#stories\">Stories</a>");
    SAYS(page, "Nearest to the medians &lt;of all&gt;. It is run 7.</p>");
    SAYS(page, "</span> <span>president: threaten &amp; <code>wait</code></span>");
    SAYS(page, "98 more that are not told here");
    SAYS(page, "duress trace x.duress --run 7");
    SAYS(page, "<a href=\"#reasons\">Reasons</a>");
    // definitions: as written, with a source where there is one; without one nothing is assumed
    SAYS(page, "<h3>Definitions</h3>");
    SAYS(page, "<b>strike</b> <span class=\"about\">risk of a strike</span>");
    SAYS(page, "power*[crackdown &gt; lax]</td><td class=\"empty\"></td>");
    // certificate, parameters, sources, reproduction
    SAYS(page, "3.2\xE2\x80\xAF\xC3\x97\xE2\x80\xAF" "10<sup>\xE2\x88\x92" "9</sup>");
    SAYS(page, "The solve <b>met its tolerance</b>");
    SAYS(page, "lognormal(log(0.12), 0.5)");
    CHECK(count(text_view(&page), "<span class=\"assumed\">assumed</span>") == 1 + 12);   // the note, and each line
    SAYS(page, "href=\"https://example.org/yearbook?year=2024&amp;table=3\"");
    SAYS(page, "<code>javascript:alert(1)</code>");
    SAYS(page, "919d45b8ac9f9450e7e32a476eb06c019b9023714a03f3a6400ad4d03be61393");
    SAYS(page, "duress run scenarios/us-mexico/us-mexico.duress --runs 10000 --seed 1 --html us-mexico.html");
    SAYS(page, "@media print");
    SAYS(page, "prefers-color-scheme: dark");
    text_free(&page);
    bundle_free(&b);
}

// px of the sheet for narrow screens; where it says nothing, what holds everywhere
static double narrow_font(const char *page, const char *style) {
    char selector[64];
    snprintf(selector, sizeof selector, ".%s text", style);
    const char *sheet = strstr(page, "@media (max-width: 44rem)"), *rule = sheet ? strstr(sheet, selector) : NULL;
    if (rule && rule > strstr(sheet, "@media print")) rule = NULL;
    const char *end = rule ? strchr(rule, '}') : NULL, *size = rule ? strstr(rule, "font-size: ") : NULL;
    return size && size < end ? strtod(size + 11, NULL) : 11;
}

TEST(letters_in_charts_stay_at_eleven_pixels_on_a_phone_of_390) {
    Bundle b;
    make(&b, ALONE);
    Text alone = page_of(&b);
    bundle_free(&b);
    make(&b, RICH);
    Text page = page_of(&b);
    // what a chart has of 390 px: margins of 1.1 rem, cards with 1.25 rem inside; a strip shows a panel at 82 % of the rest
    const double content = 390 - 2 * 1.1 * 16, card = content - 2 - 2 * 1.25 * 16;
    SAYS(page, "padding-left: 1.1rem; padding-right: 1.1rem;");
    SAYS(page, ".panels figure { flex: 0 0 82%;");
    SAYS(page, ".panels .wide { flex-basis: 100%; }");
    SAYS(page, ".diagram { min-width: 60rem; }");
    // the chart of one policy is alone in its row
    const struct { const char *style, *sheet; double width; } chart[] = {
        {"interval", "interval", card}, {"waterfall", "waterfall", card}, {"means", "means", content},
        {"fan", "fan", 0.82 * content}, {"share", "share", 0.82 * content}, {"diagram", "diagram", 960},
        {"fan", "n1", content}, {"share", "n1", content}};
    for (size_t i = 0; i < DUR_COUNT(chart); i++) {
        char found[64];
        bool is_alone = strcmp(chart[i].sheet, "n1") == 0;
        const char *at = text_view(is_alone ? &alone : &page);
        double font = narrow_font(at, chart[i].sheet);
        snprintf(found, sizeof found, "%s\" viewBox=\"0 0 ", chart[i].style);
        at = strstr(at, found);
        CHECK(at != NULL);
        double size = font * chart[i].width / strtod(at + strlen(found), NULL);
        if (size < 11) fail_msg("%s: %.1f px", chart[i].style, size);
    }
    text_free(&alone);
    text_free(&page);
    bundle_free(&b);
}

TEST(policies_beyond_the_colours_are_marked_apart_and_what_is_switched_off_is_named) {
    Bundle b;
    make(&b, SIX);
    Text page = page_of(&b);
    CHECK(count(text_view(&page), "class=\"swatch p0 striped\"") == 0);
    text_free(&page);
    frame_set_text((Frame *)b.report.series, 0, 0, "an eighth");
    page = page_of(&b);
    SAYS(page, "<li data-policy=\"7\"><span class=\"swatch p0 striped\"></span>an eighth</li>");
    SAYS(page, "'Switched off, and missing from the charts below: '");
    text_free(&page);
    bundle_free(&b);
}

TEST(rivals_stand_side_by_side_and_what_one_alone_says_is_marked) {
    Bundle b;
    make(&b, RICH);
    Text page = page_of(&b);
    SAYS(page, "<section id=\"rivals\"");
    SAYS(page, "a new government");
    SAYS(page, "<th scope=\"col\">own_agenda</th>");
    SAYS(page, "<td class=\"alone\" data-label=\"own_agenda\"><span class=\"verdict fails\">fails</span>");
    SAYS(page, "<td data-label=\"as_written\"><span class=\"verdict holds\">holds</span>");
    SAYS(page, "0.631 &gt; 0.971");
    text_free(&page);
    bundle_free(&b);
}

TEST(a_line_that_cites_several_sources_links_to_each) {
    Bundle b;
    make(&b, RICH);
    Frame *params = (Frame *)b.report.params;
    CHECK(frame_add_text(params, "cites") != NULL);
    CHECK(frame_set_text(params, params->n_column - 1, 0, "op_ed:8, and 9, yearbook, op_ed:11"));
    Text page = page_of(&b);
    // the comma in a place parts nothing
    SAYS(page, "<a class=\"cite\" href=\"#source-1\">op_ed:8, and 9</a>, <a class=\"cite\" href=\"#source-2\">yearbook</a>, "
               "<a class=\"cite\" href=\"#source-1\">op_ed:11</a>");
    text_free(&page);
    bundle_free(&b);
}

TEST(every_declaration_tells_its_file_and_line_and_the_page_what_that_is) {
    Bundle b;
    make(&b, RICH);
    const Report *r = &b.report;
    const struct { const Frame *frame; const char *place, *said; } row[] = {
        {r->claims, "core.duress:17", "op_ed:6</a> <span class=\"place\">core.duress:17</span></dd>"},
        {r->params, "parts.duress:23", "op_ed:8</a> <span class=\"place\">parts.duress:23</span></td>"},
        {r->definitions, "parts.duress:41", "op_ed:12</a> <span class=\"place\">parts.duress:41</span></td>"},
        {r->modes, "parts.duress:50", "<td class=\"source\" data-label=\"line\"> <span class=\"place\">parts.duress:50</span></td>"},
        {r->actors, "people.duress:3", "<span class=\"place\">people.duress:3</span></span></p>"},
        {r->payoffs, "people.duress:9", "</code>  <span class=\"place\">people.duress:9</span></dd>"},
        {r->policies, "policies.duress:5", "data-label=\"line\"> <span class=\"place\">policies.duress:5</span></td>"},
        {r->sources, "parts.duress:16", " <span class=\"place\">parts.duress:16</span></span></li>"}};
    for (size_t i = 0; i < DUR_COUNT(row); i++) {
        Frame *frame = (Frame *)row[i].frame;
        CHECK(frame_add_text(frame, "place") && frame_set_text(frame, frame->n_column - 1, 0, row[i].place));
    }
    Text page = page_of(&b);
    for (size_t i = 0; i < DUR_COUNT(row); i++) SAYS(page, row[i].said);
    SAYS(page, "<li>Small print such as <span class=\"place\">core.duress:17</span> is where the scenario says a thing");
    text_free(&page);
    bundle_free(&b);
}

TEST(sources_explain_their_locators_and_tell_who_cites_them) {
    Bundle b;
    make(&b, RICH);
    Text page = page_of(&b);
    const char *sources = strstr(text_view(&page), "<section id=\"sources\"");
    CHECK(sources && strstr(sources, "<code>op_ed:6</code> is paragraph, page or row 6 of <code>op_ed</code>"));
    const char *used = strstr(sources, "<span class=\"used\">cited by threats_work, reversion, alliance_survives, fear, fade, ");
    CHECK(used && strstr(used, ", strike, own_agenda</span>"));
    const char *trap = strstr(sources, "javascript:alert");
    CHECK(trap && strstr(trap, "<span class=\"used\">nothing on this page cites it</span>"));
    text_free(&page);
    bundle_free(&b);
}

TEST(a_parameter_that_is_not_the_scenarios_says_so_beside_its_source) {
    Bundle b;
    make(&b, RICH);
    Frame *params = (Frame *)b.report.params;
    CHECK(frame_add_text(params, "change") != NULL);
    CHECK(frame_set_text(params, params->n_column - 1, 0, "set for this page; the scenario has 5"));
    Text page = page_of(&b);
    SAYS(page, "<b class=\"change\">set for this page; the scenario has 5</b>, <a class=\"cite\" href=\"#source-1\">op_ed:8</a>");
    CHECK(count(text_view(&page), "class=\"change\"") == 1);
    text_free(&page);
    bundle_free(&b);
}

TEST(a_side_that_no_run_showed_is_told_with_how_much_it_is_at_most) {
    Bundle b;
    make(&b, RICH);
    Frame *claims = (Frame *)b.report.claims;
    double *left = (double *)frame_column(claims, "left")->number, *bound = frame_add_number(claims, "left_bound", NULL);
    for (int64_t i = 0; i < claims->n_row; i++) bound[i] = i == 1 ? 0.1023 : NAN;
    left[1] = 0;
    Text page = page_of(&b);
    SAYS(page, "<dd>0, at most 0.102</dd>");
    CHECK(count(text_view(&page), ", at most ") == 1);
    text_free(&page);
    bundle_free(&b);
}

TEST(a_confidence_near_one_is_told_in_full) {
    Bundle b;
    make(&b, RICH);
    frame_column(b.report.claims, "confidence")->number[1] = 0.999999;
    Text page = page_of(&b);
    SAYS(page, "at 99.9999\xE2\x80\xAF%</span>");
    text_free(&page);
    bundle_free(&b);
}

TEST(what_to_know_of_an_answer_stands_beneath_its_claim) {
    Bundle b;
    make(&b, RICH);
    Frame *claims = (Frame *)b.report.claims, *predictions = (Frame *)b.report.predictions;
    CHECK(frame_add_text(claims, "not_exact") && frame_add_text(claims, "note") && frame_add_text(predictions, "note"));
    CHECK(frame_set_text(claims, claims->n_column - 2, 1, "`max` is of a long expression"));
    CHECK(frame_set_text(claims, claims->n_column - 1, 0, "the bounds did not meet"));
    CHECK(frame_set_text(predictions, predictions->n_column - 1, 1, "it takes the belief for the shares"));
    Text page = page_of(&b);
    static const char *const name[] = {"threats_work</span>", "reversion</span>"};
    static const char *const said[] = {"<p class=\"caveat\">Note: the bounds did not meet.</p>",
        "<p class=\"caveat\">Sampled, since it can\xE2\x80\x99t be had exactly: <code>max</code> is of a long expression.</p>"};
    for (int i = 0; i < 2; i++) {
        const char *card = strstr(text_view(&page), name[i]), *at = strstr(card, said[i]);
        CHECK(at && at < strstr(card, "</article>"));
    }
    SAYS(page, "0.631 &gt; 0.971</div><p class=\"caveat\">Note: it takes the belief for the shares.</p>");
    CHECK(count(text_view(&page), "class=\"caveat\"") == 3);
    text_free(&page);
    bundle_free(&b);
}

TEST(a_claim_tells_what_the_grid_does_to_it_and_which_assumptions_it_rests_on) {
    Bundle b;
    make(&b, RICH);
    Frame *claims = (Frame *)b.report.claims;
    double *sensitive = frame_add_number(claims, "sensitive", NULL), *grid = frame_add_number(claims, "grid", NULL);
    CHECK(sensitive && grid && frame_add_text(claims, "rests") && frame_set_text(claims, claims->n_column - 1, 0, "grudge, rent"));
    for (int64_t i = 0; i < claims->n_row; i++) sensitive[i] = i == 0, grid[i] = i == 1 ? 0.15 : NAN;
    Text page = page_of(&b);
    SAYS(page, "<dt>grid</dt><dd><b class=\"change\">the verdict depends on the grid</b>, by");
    SAYS(page, "<dt>grid</dt><dd>said to move the difference by 0.15 at most when doubled</dd>");
    CHECK(count(text_view(&page), "<dt>grid</dt>") == 2);
    SAYS(page, "own word one of these verdicts depends on the grid on which it was solved.");
    SAYS(page, "<dt>rests on</dt><dd><span class=\"assumed\">assumed</span> grudge, rent</dd>");
    CHECK(count(text_view(&page), "<dt>rests on</dt><dd>no assumed parameter</dd>") == 3);
    text_free(&page);
    bundle_free(&b);
}

TEST(what_a_pointer_would_find_out_is_written_too) {
    Bundle b;
    make(&b, RICH);
    Text page = page_of(&b);
    SAYS(page, "<div><dt>silent</dt><dd>makes no threat</dd></div>");
    const char *legend = strstr(text_view(&page), "id=\"policies\"");
    CHECK(legend && strstr(legend, " title=") == NULL);
    SAYS(page, "of many some may miss their number.</p>");
    SAYS(page, "<td class=\"code prior\" data-label=\"prior\">lognormal(log(6), 0.4)</td>");
    text_free(&page);
    bundle_free(&b);
}

TEST(a_solve_that_missed_its_tolerance_is_said_first) {
    Bundle b;
    make(&b, RICH);
    b.report.converged = false;
    Text page = page_of(&b);
    const char *said = strstr(text_view(&page), "<b>The solve missed its tolerance</b>");
    CHECK(said && said < strstr(text_view(&page), "<main"));
    CHECK(strstr(text_view(&page), "met its tolerance") == NULL);
    text_free(&page);
    bundle_free(&b);
}

TEST(a_value_below_its_own_error_is_zero_and_no_measure_for_regret) {
    Bundle b;
    make(&b, RICH);
    Column *value = NULL;
    for (int32_t c = 0; c < b.report.values->n_column; c++)
        if (strcmp(b.report.values->column[c].name, "value") == 0) value = &b.report.values->column[c];
    CHECK(value != NULL);
    value->number[0] = 2.8e-10;      // the residual is 3.21e-9 of 6.2071
    Text page = page_of(&b);
    SAYS(page, "<b>0</b> <span class=\"quiet\">value at the start</span>");
    SAYS(page, "<b>6.2071</b> <span class=\"quiet\">value at the start</span>");
    const char *table = strstr(text_view(&page), "<table class=\"regret\">");
    const char *coercer = strstr(table, ">coercer<"), *government = strstr(table, ">government<");
    const char *empty = strstr(coercer, "<td class=\"empty\">");
    CHECK(empty != NULL && empty < government);
    CHECK(strstr(government, "0.3\xE2\x80\xAF%") != NULL);
    text_free(&page);
    bundle_free(&b);
}

TEST(a_time_without_a_date_is_in_units_as_many_as_they_are) {
    Bundle b;
    make(&b, RICH);
    frame_set_text((Frame *)b.report.story_events, 1, 0, NULL);
    Text page = page_of(&b);
    SAYS(page, "<span class=\"when\">0.4\xC2\xA0months</span>");
    text_free(&page);
    bundle_free(&b);
}

TEST(one_policy_is_spoken_of_in_the_singular) {
    Bundle b;
    bundle_rich(&b, 1, 9);
    Text page = page_of(&b);
    SAYS(page, "10,000 runs of the equilibrium and as many of one policy.");
    text_free(&page);
    bundle_free(&b);
}

TEST(what_is_not_there_is_left_out) {
    Bundle b;
    make(&b, SMALL);
    Text page = page_of(&b);
    static const char *const absent[] = {"id=\"claims\"", "id=\"rivals\"", "id=\"paths\"", "id=\"certificate\"", "id=\"parameters\"",
                                         "id=\"sources\"", "id=\"start\"", "<svg"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) CHECK(strstr(text_view(&page), absent[i]) == NULL);
    SAYS(page, "A scenario without actors: chance and drift move one stock.");
    text_free(&page);
    bundle_free(&b);
}

TEST(a_crowd_that_no_drawing_could_hold_is_a_table_that_stands_open) {
    Bundle b;
    make(&b, CROWD);
    Text page = page_of(&b);
    CHECK(strstr(text_view(&page), "class=\"diagram\"") == NULL);
    SAYS(page, "<details open=\"open\"><summary>Who moves what, as a table");
    text_free(&page);
    bundle_free(&b);
    make(&b, MIDDLE);
    page = page_of(&b);
    SAYS(page, "class=\"diagram\"");
    CHECK(count(text_view(&page), "class=\"edge drives") == 20);
    text_free(&page);
    bundle_free(&b);
}

TEST(long_series_are_thinned_but_keep_both_ends) {
    Bundle b;
    bundle_rich(&b, 0, 2001);
    Text page = page_of(&b);
    const char *fan = strstr(text_view(&page), "class=\"chart fan\""), *list = strstr(fan, "data-d=\"") + 8;
    int n = 1;
    for (const char *s = list; *s != '"'; s++) n += *s == ' ';
    CHECK(n > 100 && n < 300);
    CHECK(strtol(list, NULL, 10) == 20108);
    const char *last = strchr(list, '"');
    while (last[-1] != ' ') last--;
    CHECK(strtol(last, NULL, 10) == 20108 + 5 * 365 + 1);
    text_free(&page);
    bundle_free(&b);
}

// ---- outcomes -----------------------------------------------------------------------------------------------------

TEST(the_same_report_gives_the_same_bytes) {
    Bundle first, second;
    make(&first, RICH);
    make(&second, RICH);
    Text a = page_of(&first), b = page_of(&second), c = page_of(&first);
    CHECK(a.length == b.length && memcmp(a.data, b.data, a.length) == 0);
    CHECK(a.length == c.length && memcmp(a.data, c.data, a.length) == 0);
    text_free(&a);
    text_free(&b);
    text_free(&c);
    bundle_free(&first);
    bundle_free(&second);
}

TEST(a_frame_of_the_wrong_shape_is_named_with_its_column) {
    Bundle b;
    make(&b, SMALL);
    Frame *wrong = frame_make("series", 1);
    frame_add_text(wrong, "policy");
    frame_add_text(wrong, "variable");
    frame_add_number(wrong, "time", "");
    b.report.series = wrong;
    Text out = {0};
    text_append(&out, "old");
    DurError error = {0};
    CHECK(report_html(&b.report, &out, &error) == DUR_SHAPE);
    assert_string_equal(error.text, "report: frame series has no column q05");
    CHECK(out.length == 0);
    static const char *const name[] = {"q05", "q25", "q50", "q75", "q95"};
    for (int i = 0; i < 5; i++) frame_add_text(wrong, name[i]);
    error = (DurError){0};
    CHECK(report_html(&b.report, &out, &error) == DUR_SHAPE);
    assert_string_equal(error.text, "report: column q05 of frame series should hold numbers");
    frame_free(wrong);
    text_free(&out);
    bundle_free(&b);
}

TEST(when_memory_runs_out_at_any_point_it_is_said_and_nothing_is_left) {
    Bundle b;
    bundle_rich(&b, 1, 4);
    memory_fail_at(0);
    Text out = page_of(&b);
    int64_t n = memory_fail_at(0);
    text_free(&out);
    CHECK(n > 500);
    // the first hundred one by one, then one in seven: each kind of place is met many times
    for (int64_t k = 1; k <= n; k += k < 100 ? 1 : 7) {
        DurError error = {0};
        memory_fail_at(k);
        DurStatus status = report_html(&b.report, &out, &error);
        memory_fail_at(0);
        if (status != DUR_MEMORY) fail_msg("allocation %d of %d failed without a word", (int)k, (int)n);
        CHECK(out.length == 0 && error.text[0]);
        text_free(&out);
    }
    bundle_free(&b);
}

/// With a path, write the rich page there instead, to be looked at.
int main(int argc, char **argv) {
    if (argc == 2) {
        Bundle b;
        make(&b, RICH);
        Text page = page_of(&b);
        DurError error = {0};
        DurStatus status = file_write(argv[1], text_view(&page), page.length, &error);
        if (status != DUR_OK) fprintf(stderr, "%s\n", error.text);
        text_free(&page);
        bundle_free(&b);
        return status != DUR_OK;
    }
    const struct CMUnitTest tests[] = {
        RUN(every_page_is_well_formed_with_ids_that_are_unique_and_references_that_lead_somewhere),
        RUN(no_page_loads_anything),
        RUN(every_coordinate_lies_in_its_view_box_whatever_the_numbers),
        RUN(a_text_full_of_markup_changes_no_element_of_the_page),
        RUN(the_page_says_what_the_frames_say),
        RUN(letters_in_charts_stay_at_eleven_pixels_on_a_phone_of_390),
        RUN(policies_beyond_the_colours_are_marked_apart_and_what_is_switched_off_is_named),
        RUN(rivals_stand_side_by_side_and_what_one_alone_says_is_marked),
        RUN(a_line_that_cites_several_sources_links_to_each),
        RUN(every_declaration_tells_its_file_and_line_and_the_page_what_that_is),
        RUN(sources_explain_their_locators_and_tell_who_cites_them),
        RUN(a_parameter_that_is_not_the_scenarios_says_so_beside_its_source),
        RUN(a_side_that_no_run_showed_is_told_with_how_much_it_is_at_most),
        RUN(a_confidence_near_one_is_told_in_full),
        RUN(what_to_know_of_an_answer_stands_beneath_its_claim),
        RUN(a_claim_tells_what_the_grid_does_to_it_and_which_assumptions_it_rests_on),
        RUN(what_a_pointer_would_find_out_is_written_too),
        RUN(a_solve_that_missed_its_tolerance_is_said_first),
        RUN(a_value_below_its_own_error_is_zero_and_no_measure_for_regret),
        RUN(a_time_without_a_date_is_in_units_as_many_as_they_are),
        RUN(one_policy_is_spoken_of_in_the_singular),
        RUN(what_is_not_there_is_left_out),
        RUN(a_crowd_that_no_drawing_could_hold_is_a_table_that_stands_open),
        RUN(long_series_are_thinned_but_keep_both_ends),
        RUN(the_same_report_gives_the_same_bytes),
        RUN(a_frame_of_the_wrong_shape_is_named_with_its_column),
        RUN(when_memory_runs_out_at_any_point_it_is_said_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
