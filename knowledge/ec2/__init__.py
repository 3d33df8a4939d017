"""The EC2 catalogue: instance types, GPUs, regions and prices with their sources."""
