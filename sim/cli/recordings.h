/* recordings.h - what a program has recorded of itself (PIRN_TRACE), made into traces. */
#ifndef SIM_CLI_RECORDINGS_H
#define SIM_CLI_RECORDINGS_H

/*
 * Makes a trace of each recording that an argument names, before the subcommand looks at it: in its
 * place, or, where that cannot be or the program still runs, beside all else for as long as this
 * process lives; then the argument names that. Returns an exit status of tool.h.
 */
int recordings_prepare(int argc, char **argv);

#endif
