#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

static int return_42(void)
{
	return 42;
}

static int abort_quietly(void)
{
	abort();
}

static int shared = 1;

static int change_shared(void)
{
	shared = 2;
	return 0;
}

static volatile sig_atomic_t got;

static void on_signal(int signo)
{
	got = signo;
}

static void check(int number, int is_ok, const char *name)
{
	printf("%s %d - %s\n", is_ok ? "ok" : "not ok", number, name);
	fflush(stdout);
}

int main(void)
{
	char text[100];

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("1..5");
	check(1, in_child(return_42) == 42, "exit code");
	check(2, in_child(abort_quietly) == 128 + SIGABRT, "signal");
	check(3, in_child(change_shared) == 0 && shared == 1, "memory is copied");
	check(4, capture("echo one; echo two | tr a-z A-Z", text, sizeof(text)) == 8 &&
		     strcmp(text, "one\nTWO\n") == 0, "capture");
	signal(SIGUSR1, on_signal);
	kill(getpid(), SIGUSR1);
	check(5, got == SIGUSR1, "handler");
	return 0;
}
