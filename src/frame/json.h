/// A small writer of JSON onto growing text: commas, escapes and indentation are its business. Doubles are written in
/// shortest round-trip form; NaN and infinities, which JSON lacks, as null. Two spaces of indent.
#ifndef FRAME_JSON_H
#define FRAME_JSON_H

#include "base/text.h"
#include "frame/frame.h"

#define JSON_DEPTH_MAX 64

typedef struct Json {
    Text *out;                       // borrowed
    int   depth;
    bool  has_item[JSON_DEPTH_MAX];  // whether the container at this depth has one already
    bool  after_key;
    bool  compact;                   // no newlines and indents
} Json;

Json json_make(Text *out);
void json_object(Json *j);        // {
void json_array(Json *j);         // [
void json_end_object(Json *j);
void json_end_array(Json *j);
void json_key(Json *j, const char *key);
void json_number(Json *j, double x);
void json_int(Json *j, int64_t x);
void json_bool(Json *j, bool x);
void json_null(Json *j);
void json_string(Json *j, const char *s);       // invalid UTF-8 becomes U+FFFD

/// A value that is JSON already, as it stands; what is empty becomes null.
void json_raw(Json *j, const char *json);

/// key and value in one call
void json_pair_number(Json *j, const char *key, double x);
void json_pair_int(Json *j, const char *key, int64_t x);
void json_pair_string(Json *j, const char *key, const char *s);   // NULL: null
void json_pair_bool(Json *j, const char *key, bool x);

/// A frame as an object {"name", "columns": {name: {"unit", "values": [...]}}}.
void json_frame(Json *j, const Frame *frame);

#endif
