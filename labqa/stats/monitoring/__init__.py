"""Charts of one laboratory's scores in time: limits, signals, how often they come by chance, and where a level changed."""
