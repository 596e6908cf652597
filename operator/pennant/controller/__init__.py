"""The imperative shell: look, let the core decide, and write. It knows the ports, and no client behind them."""
