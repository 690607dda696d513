/// The outcomes of every call, in one table: name, exit code of the program, text for people.
#ifndef DURESS_STATUS_H
#define DURESS_STATUS_H

//    name          exit  text
#define DUR_STATUS_LIST(X)                                              \
    X(OK,            0, "done")                                         \
    X(UNMET,         1, "a claim fails or a solve misses its tolerance") \
    X(INPUT,         2, "the scenario or the command line is not valid") \
    X(UNSUPPORTED,   2, "the scenario asks for what this version does not run") \
    X(DOMAIN,        2, "an expression has no finite value at some state") \
    X(SHAPE,         2, "two arrays that should agree in shape do not") \
    X(MEMORY,        3, "out of memory")                                \
    X(LIMIT,         3, "the work is larger than the stated limit")     \
    X(IO,            3, "a file could not be read or written")          \
    X(INTERRUPTED,   3, "interrupted")

typedef enum DurStatus {
#define X(name, exit_code, text) DUR_##name,
    DUR_STATUS_LIST(X)
#undef X
    DUR_STATUS_COUNT
} DurStatus;

#endif
