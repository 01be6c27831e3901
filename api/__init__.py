"""The REST API: translates between HTTP and the services and selectors of ``provisioning``, and decides nothing."""
