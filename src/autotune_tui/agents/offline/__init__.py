"""The offline agent: profile-guided rewrites of Python and a search over marked constants; no key, no network."""
