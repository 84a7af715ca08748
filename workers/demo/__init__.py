"""The demonstration: an invented region submits, launches and reads its journal, over the wire, as a МИС would."""
