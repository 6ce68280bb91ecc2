"""Programs whose optimum over all networks is known: time, memory and growth beside peers."""
