#include "command.h"

#include <stdio.h>
#include <string.h>

static void print_indented(const char *text) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        printf("  %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

void command_print_list(void) {
    puts("duress: write a coercive bargaining situation down, solve it as a game, judge claims about it\n\n"
         "  duress COMMAND FILE [options]\n");
    for (int c = 0; c < COMMAND_COUNT; c++) printf("  %-10s %s\n", COMMAND[c].name, COMMAND[c].summary);
    puts("\n`duress help COMMAND` explains one. Every command takes --json.");
}

static void print_option(const Option *o) {
    char left[64];
    int n = o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter) : 0;
    snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name, o->argument ? " " : "",
             o->argument ? o->argument : "");
    printf("  %-22s %s\n", left, o->help);
}

void command_print_help(CommandId command) {
    const Command *c = &COMMAND[command];
    printf("duress %s%s%s [options]\n\n", c->name, c->arguments[0] ? " " : "", c->arguments);
    print_indented(c->about);
    puts("\noptions");
    for (int i = 0; i < OPTION_COUNT; i++)
        if (OPTION[i].commands & 1u << command && i != OPTION_VERSION) print_option(&OPTION[i]);
    printf("\nexample\n  %s\n", c->example);
    puts("\nexit codes\n"
         "  0  done\n"
         "  1  a claim fails (--strict), a solve misses its tolerance, a layout is not canonical (fmt --check)\n"
         "  2  the scenario or the command line is wrong\n"
         "  3  the machine refused: a file, memory, disk, a limit, an interruption");
}

// the tables are ASCII: quotes, backslashes and line ends are all that needs care
static void print_string(const char *s) {
    putchar('"');
    for (; *s; s++) {
        if (*s == '\n') fputs("\\n", stdout);
        else {
            if (*s == '"' || *s == '\\') putchar('\\');
            putchar(*s);
        }
    }
    putchar('"');
}

static void print_pair(const char *key, const char *value, const char *end) {
    printf("\"%s\": ", key);
    print_string(value);
    fputs(end, stdout);
}

static void print_command(int command) {
    const Command *c = &COMMAND[command];
    fputs("    {", stdout);
    print_pair("name", c->name, ", ");
    print_pair("arguments", c->arguments, ", ");
    print_pair("summary", c->summary, ", ");
    print_pair("about", c->about, ",\n     \"options\": [");
    const char *between = "\n";
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!(OPTION[i].commands & 1u << command)) continue;
        printf("%s      {", between);
        print_pair("name", OPTION[i].name, ", ");
        if (OPTION[i].argument) print_pair("argument", OPTION[i].argument, ", ");
        print_pair("help", OPTION[i].help, "}");
        between = ",\n";
    }
    fputs("]}", stdout);
}

void command_print_json(int command) {
    fputs("{\"version\": \"" DURESS_VERSION "\", \"commands\": [\n", stdout);
    for (int c = 0; c < COMMAND_COUNT; c++) {
        if (command >= 0 && c != command) continue;
        print_command(c);
        if (command < 0 && c + 1 < COMMAND_COUNT) fputs(",\n", stdout);
    }
    puts("\n]}");
}
