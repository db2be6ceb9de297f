/*
 * command.h - the subcommands of `pirn` that run programs, and that which puts
 * together what they have recorded.
 *
 * Each takes the arguments that follow `pirn`, its own name first, and returns the exit status
 * (viz/tool.h; 128 and the signal's number when the user ended it and nothing had been found).
 */
#ifndef SIM_CLI_COMMAND_H
#define SIM_CLI_COMMAND_H

int run_main(int argc, char **argv);     /* pirn run [--] PROGRAM... */
int explore_main(int argc, char **argv); /* pirn explore [--] PROGRAM... */
int replay_main(int argc, char **argv);  /* pirn replay SCHEDULE [--] PROGRAM... */
int record_main(int argc, char **argv);  /* pirn record [--] PROGRAM... */
int merge_main(int argc, char **argv);   /* pirn merge OUT IN... */
int shrink_main(int argc, char **argv);  /* pirn shrink SCHEDULE [--] PROGRAM... */
int cc_main(int argc, char **argv);      /* pirn cc ARGUMENTS... */

#endif
