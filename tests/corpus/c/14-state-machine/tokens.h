enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_OTHER };

struct token {
	enum token_kind kind;
	int at, len;
};

int tokenize(const char *s, struct token *tokens, int most);
