int parse_number(const char *text, long *ret);
