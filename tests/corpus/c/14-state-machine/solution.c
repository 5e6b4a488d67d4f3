#include "tokens.h"

#include <ctype.h>

enum state { START, IN_WORD, IN_NUMBER, IN_STRING, AFTER_BACKSLASH };

int tokenize(const char *s, struct token *tokens, int most)
{
	enum state state = START;
	int n = 0;

	for (int i = 0;; i++) {
		char c = s[i];

		switch (state) {
		case START:
			if (c == '\0')
				return n;
			if (isspace((unsigned char)c))
				break;
			if (n == most)
				return -1;
			tokens[n] = (struct token){.at = i, .kind = TOKEN_OTHER, .len = 1};
			if (isalpha((unsigned char)c) || c == '_') {
				tokens[n].kind = TOKEN_WORD;
				state = IN_WORD;
			} else if (isdigit((unsigned char)c)) {
				tokens[n].kind = TOKEN_NUMBER;
				state = IN_NUMBER;
			} else if (c == '"') {
				tokens[n].kind = TOKEN_STRING;
				state = IN_STRING;
			} else {
				n++;
			}
			break;
		case IN_WORD:
		case IN_NUMBER:
			if (isalnum((unsigned char)c) || c == '_' ||
			    (c == '.' && state == IN_NUMBER)) {
				tokens[n].len++;
				break;
			}
			n++;
			state = START;
			i--;
			break;
		case IN_STRING:
			if (c == '\0')
				return -1;
			tokens[n].len++;
			if (c == '\\')
				state = AFTER_BACKSLASH;
			else if (c == '"') {
				n++;
				state = START;
			}
			break;
		case AFTER_BACKSLASH:
			if (c == '\0')
				return -1;
			tokens[n].len++;
			state = IN_STRING;
			break;
		}
	}
}
