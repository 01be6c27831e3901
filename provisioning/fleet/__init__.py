"""The list of applications, batches and manifests."""
