"""A package in the full sense, for gostcrypto brings one of the same name, which would win over a folder."""
