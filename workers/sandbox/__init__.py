"""Stand-in peers: strict, stateful, real servers; one module per external system.

They serve the demo and the tests. ``server`` and ``switches`` are what every peer stands on, ``soap`` adds
what every SOAP peer shares. A sandbox judges by its own rules: it imports no exchange folder.
"""
