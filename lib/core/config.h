/* config.h - how a runtime is to be set up: what pirn_run is given, else the environment, else
 * the defaults. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "lib/core/engine.h"

/*
 * Fills in what `given` (which may be NULL) leaves open. Returns 0; -EINVAL for what is out of
 * range, with a line on standard error where the environment is to blame.
 */
int config_resolve(const pirn_config *given, pirn_config *config);

#endif
