"""What a net costs: params, multiply-accumulates, latency and memory, and whether it meets a budget."""
