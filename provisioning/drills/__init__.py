"""Failover drills."""
