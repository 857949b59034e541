"""Speed against the peers and against the limit of the machine, in one run."""
