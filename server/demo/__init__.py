"""Demonstration data: two invented schools of one town, the three apps, and consents in different states."""
