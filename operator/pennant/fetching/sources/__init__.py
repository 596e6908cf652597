"""Where bytes come from: one module for each kind of server. A URI's scheme chooses it."""
