/// A strict reader of well-formed XML, as much of it as the pages use: it takes nothing that a browser's XML parser
/// would refuse.
#ifndef TEST_REPORT_XML_H
#define TEST_REPORT_XML_H

#include "base/text.h"

#include <stdbool.h>

/// Called for each start tag; `attribute` asks for a raw (still escaped) attribute of it, NULL if it has none.
typedef struct XmlTag {
    const char *name;
    const char *start, *end;   // between the angle brackets
} XmlTag;
typedef void (*XmlVisit)(void *context, const XmlTag *tag);

/// True if the page is well-formed; else the reason and the text around the fault are in `why`.
bool xml_read(const char *page, XmlVisit visit, void *context, char why[256]);

/// An attribute's raw value into `buffer`; false if the tag has none.
bool xml_attribute(const XmlTag *tag, const char *name, char *buffer, size_t size);

#endif
