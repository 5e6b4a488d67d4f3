/* Left out when the code is merely run: it has a main of its own. */
#include <stdlib.h>

int main(void)
{
	abort();
}
