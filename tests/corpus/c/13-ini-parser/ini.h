typedef void ini_fn(void *arg, const char *section, const char *key,
		    const char *value);

/* 0, or the number of the first bad line. */
int ini_parse(const char *text, ini_fn *fn, void *arg);
