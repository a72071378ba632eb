"""How many rounds of boosting each contestant takes to about the same log loss on MNIST.

LightGBM takes its default of 100. The others' were found on a tenth of the training part, as the
fewest, in steps, with a log loss that is no higher than LightGBM's there.
"""

ROUNDS = {"light_gbm": 100, "xg_boost": 100, "bakeoff": 100}
