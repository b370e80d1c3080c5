"""What a net costs: params and multiply-accumulates, latency, and what a budget of them allows."""
