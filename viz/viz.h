/*
 * viz.h - the subcommands of `pirn` that read traces.
 *
 * Each takes the arguments that follow `pirn`, its own name first, and returns the exit status
 * (viz/tool.h). Reading is no search for bugs: a trace that could be shown is TOOL_OK, whatever it
 * shows.
 */
#ifndef VIZ_VIZ_H
#define VIZ_VIZ_H

int list_main(int argc, char **argv);     /* pirn list TRACE... */
int stats_main(int argc, char **argv);    /* pirn stats TRACE[#RUN]... */
int diff_main(int argc, char **argv);     /* pirn diff TRACE#A [TRACE]#B [-o FILE] */
int explain_main(int argc, char **argv);  /* pirn explain TRACE[#RUN] */
int coverage_main(int argc, char **argv); /* pirn coverage TRACE */
int view_main(int argc, char **argv);     /* pirn view TRACE[#RUN] [-o FILE] */

#endif
