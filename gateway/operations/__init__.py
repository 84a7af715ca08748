"""One plain function per verb. SOAP and the console call these and nothing else; rights and audit live here."""
