"""Alarms from a machine's vibration."""
